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

  @Test(
    "sizes out of range are refused before the folder is made",
    arguments: [
      ("sizes: {heads: \(Int.max), key_width: 8, value_width: 8}", "'architecture.sizes' is"),
      ("window: 0", "'architecture.window' is 0; give 1 or more"),
    ])
  func refusals(values: String, sentence: String) throws {
    let run = SearchFolder(folder.url.appending(path: "run"))
    let found = message {
      _ = try HybridTraining(
        configuration("architecture: {placement: LFWLL, linear: gla, \(values)}"), in: run)
    }
    #expect(found?.contains(sentence) == true, "\(found ?? "none")")
    #expect(!FileManager.default.fileExists(atPath: run.url.path))
  }

  @Test("a run that does not fit into memory or on the disk is refused before the folder is made")
  func room() throws {
    let run = SearchFolder(folder.url.appending(path: "runs/first"))
    var large = try configuration("architecture: {placement: LFLLL, linear: gla}")
    let teacher = try Checkpoint(large.search.teacher).configuration
    var needs = try SearchNeeds(large.search, teacher: teacher)
    needs.diskBytes = .max
    let disk = message { try needs.expectRoom(on: large.search.runDevice, in: run.url) }
    #expect(disk?.contains("on the disk of \(run.url.path)") == true, "\(disk ?? "none")")
    large.search.data.sequences = 4_000_000
    let memory = message { _ = try HybridTraining(large, in: run) }
    #expect(memory?.contains("are free on cpu") == true, "\(memory ?? "none")")
    #expect(!FileManager.default.fileExists(atPath: run.url.path))
  }

  @Test("a given hybrid is trained and exported, and told from a search")
  func trained() throws {
    let run = SearchFolder(folder.url.appending(path: "run"))
    let training = try HybridTraining(
      configuration("architecture: {placement: LFLLL, linear: jet}"), in: run)
    let model = try Checkpoint(training.run().path).model()
    #expect(model.configuration.mixers.map(\.kind) == ["jet", "attn", "jet", "jet", "jet"])
    let place = try folder.write("", as: "file").appending(path: "export")
    let fault = message { try ExportStage(folder: run).export(to: place) }
    #expect(fault?.hasPrefix("\(place.path) cannot be made: ") == true, "\(fault ?? "none")")
    let search = message { _ = try run.configuration() }
    #expect(search?.contains("holds a run of 'jet train'") == true, "\(search ?? "none")")
  }
}
