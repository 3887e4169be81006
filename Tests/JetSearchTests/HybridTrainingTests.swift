import Foundation
import JetCheckpoint
import JetModels
import JetTestSupport
import Testing

@testable import JetSearch

@Suite("HybridTraining") struct HybridTrainingTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    _ = try TinySearch(folder.url)
  }

  private func file(_ architecture: String) throws -> String {
    let url = folder.url.appending(path: "hybrid.yaml")
    try Data((TinySearch.yaml + "\n" + architecture + "\n").utf8).write(to: url)
    return url.path
  }

  private func configuration(_ architecture: String) throws -> HybridTrainingConfiguration {
    try HybridTrainingConfiguration(contentsOf: file(architecture))
  }

  @Test("an architecture is read from the key's own line and from the lines below it alike")
  func forms() throws {
    let inline = try configuration("architecture: {placement: LFLLL, linear: gla}").architecture
    let below = try configuration("architecture:\n  placement: LFLLL\n  linear: gla").architecture
    #expect(inline.placement == "LFLLL" && inline.linear == "gla")
    #expect(inline == below)
  }

  @Test("a configuration without an architecture is refused")
  func missing() throws {
    #expect(throws: SearchError.self) { try configuration("# architecture: none") }
  }

  @Test("a given hybrid is trained and exported")
  func trained() throws {
    let training = try HybridTraining(
      configuration("architecture: {placement: LFLLL, linear: jet}"),
      in: SearchFolder(folder.url.appending(path: "run")))
    let model = try Checkpoint(training.run().path).model()
    #expect(model.configuration.mixers.map(\.kind) == ["jet", "attn", "jet", "jet", "jet"])
  }
}
