import ArgumentParser
import Foundation
import JetEvaluation
import JetSearch

/// Searches other placements.
struct PostNASSearch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Search other placements on the run's super network.",
    discussion: """
      Candidates that were scored before are not scored again. The run's own decisions stay as they \
      are. With --no-training nothing is trained: the super network has to be there.

      EXAMPLES
        jet postnas search runs/demo --size 3 --no-training
        jet postnas search runs/demo --size 4 --strategy beam --beam-width 8
      """)

  @OptionGroup var place: RunArgument

  @Option(parsing: .unconditional, help: "Layers of full attention.")
  var size: Int

  @Option(help: "How they are looked for (default: the run's own strategy).")
  var strategy: PlacementConfiguration.StrategyName?

  @Option(help: "The objective's name (default: the run's guide).")
  var objective: String?

  @Option(parsing: .unconditional, help: "Placements that a beam keeps (default: the run's own).")
  var beamWidth: Int?

  @Flag(help: "Train nothing.")
  var noTraining = false

  func run() throws {
    Interrupt.install()
    let search = try PostNAS.resume(place.folder)
    SearchAtTerminal.prepare(search)
    let outcome = try SearchAtTerminal.stoppable {
      try search.search(
        size: size, strategy: strategy ?? search.configuration.placement.strategy,
        objective: objective, beamWidth: beamWidth, trains: !noTraining)
    }
    let error = outcome.score.standardError.map { String(format: " ± %.5f", $0) } ?? ""
    try Terminal.print(
      """
      \(outcome.placement)  layers \(outcome.layers.map(String.init).joined(separator: " "))
      score \(String(format: "%.5f", outcome.score.value))\(error), \(outcome.computedCount) placements \
      scored, \(outcome.knownCount) known before
      """)
  }
}
