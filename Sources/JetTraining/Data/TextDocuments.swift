import Foundation
import JetFormats

/// The documents of a text file.
struct TextDocuments {
  private let url: URL
  private let isLines: Bool

  init(_ url: URL) throws {
    self.url = url
    let inner = Compression(url) == nil ? url : url.deletingPathExtension()
    switch inner.pathExtension {
    case "txt": isLines = false
    case "jsonl": isLines = true
    default:
      throw TrainingError(
        "\(url.path) is no text that Jet knows; expected .txt or .jsonl, perhaps with .gz or "
          + ".zst behind")
    }
  }

  /// Calls `body` with the text of each document in order.
  ///
  /// - Throws: ``TrainingError`` for a text that is not UTF-8 and a line that is no document; what `body` throws.
  func forEach(_ body: (String) throws -> Void) throws {
    try Compression.withPlainBytes(of: url) { try documents($0, body) }
  }

  private func documents(_ bytes: UnsafeRawBufferPointer, _ body: (String) throws -> Void) throws {
    guard isLines else {
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw TrainingError("\(url.path) is not UTF-8; convert it first (iconv -t utf-8)")
      }
      return try body(text)
    }
    let decoder = JSONDecoder()
    try bytes.forEachLine { number, line in
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { return }
      let document: Line
      do {
        document = try decoder.decode(Line.self, from: Data(line))
      } catch {
        throw TrainingError(
          "\(url.path), line \(number): expected a JSON object with a string 'text'; mend the line")
      }
      try body(document.text)
    }
  }

  private struct Line: Decodable { let text: String }
}
