import Foundation
import JetTestSupport
import Testing

@testable import JetTraining

@Suite("Documents of a text file")
struct TextDocumentsTests {
  @Test("are lines of .jsonl, packed or not, or the whole of a .txt")
  func kinds() throws {
    let folder = try TemporaryFolder()
    let lines = "{\"text\": \"one\"}\n{\"text\": \"two\"}\n"
    let packed = try #require(
      Data(base64Encoded: "H4sIAAAAAAAC/6tWKkmtKFGyUlDKz0tVquWqhvNLyvOBfADRW2nVIAAAAA=="))
    func documents(_ file: URL) throws -> [String] {
      var found: [String] = []
      try TextDocuments(file).forEach { found.append($0) }
      return found
    }
    #expect(try documents(folder.write(lines, as: "a.jsonl")) == ["one", "two"])
    #expect(try documents(folder.write([UInt8](packed), as: "b.jsonl.gz")) == ["one", "two"])
    #expect(try documents(folder.write(lines, as: "c.txt")) == [lines])
    #expect(
      sentence { _ = try documents(folder.url.appending(path: "d.md")) }?.contains("d.md") == true)
  }
}
