import Foundation
import JetTestSupport
import Testing

@testable import JetTraining

@Suite("Documents of a text file")
struct TextDocumentsTests {
  private func documents(_ file: URL) throws -> [String] {
    var found: [String] = []
    try TextDocuments(file).forEach { found.append($0) }
    return found
  }

  @Test("are lines of .jsonl, packed or not, or the whole of a .txt")
  func kinds() throws {
    let folder = try TemporaryFolder()
    let lines = "{\"text\": \"one\"}\n{\"text\": \"two\"}\n"
    let packed = try #require(
      Data(base64Encoded: "H4sIAAAAAAAC/6tWKkmtKFGyUlDKz0tVquWqhvNLyvOBfADRW2nVIAAAAA=="))
    #expect(try documents(folder.write(lines, as: "a.jsonl")) == ["one", "two"])
    #expect(try documents(folder.write([UInt8](packed), as: "b.jsonl.gz")) == ["one", "two"])
    #expect(try documents(folder.write(lines, as: "c.txt")) == [lines])
    #expect(
      sentence { _ = try documents(folder.url.appending(path: "d.md")) }?.contains("d.md") == true)
  }

  @Test("that are not UTF-8 are refused by the name of the file")
  func otherEncodings() throws {
    let folder = try TemporaryFolder()
    let latin = try folder.write([0x63, 0x61, 0x66, 0xE9], as: "latin.txt")
    #expect(
      sentence { _ = try documents(latin) }
        == "\(latin.path) is not UTF-8; convert it first (iconv -t utf-8)")
    let lines = try folder.write(
      Array("{\"text\": \"caf".utf8) + [0xE9, 0x22, 0x7D], as: "a.jsonl")
    #expect(sentence { _ = try documents(lines) }?.contains("a.jsonl, line 1") == true)
  }
}
