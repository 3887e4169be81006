import Foundation

/// Lines of a file or of standard input, with their numbers from 1; empty ones are left out.
struct TextLines {
  /// A line and where it stands.
  struct Line: Equatable {
    let text: String
    /// Such as `texts.jsonl, line 3`.
    let place: String
  }

  private let name: String
  private let lines: [Data.SubSequence]

  /// - Parameter path: a file, or `-` for standard input.
  init(_ path: String) throws {
    name = InputFile.name(path)
    lines = try InputFile.bytes(path)
      .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  }

  /// Calls `body` with each line.
  ///
  /// - Throws: ``CommandError`` for a line that is not UTF-8; what `body` throws.
  func forEach(_ body: (Line) throws -> Void) throws {
    for (index, bytes) in lines.enumerated() {
      let place = "\(name), line \(index + 1)"
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw CommandError("\(place) is not UTF-8; convert the file.")
      }
      if !text.allSatisfy(\.isWhitespace) { try body(Line(text: text, place: place)) }
    }
  }
}

extension TextLines.Line {
  /// The text of `{"text": …}` or of a JSON string.
  func decodedText() throws -> String {
    struct Object: Decodable { let text: String }
    if let text: String = decoded() { return text }
    if let object: Object = decoded() { return object.text }
    throw CommandError(
      "\(place) is neither an object with a \"text\" nor a JSON string; write one of them a line.")
  }

  /// The ids of `{"ids": […]}`, of a JSON array, or of numbers with commas or spaces between.
  func decodedIDs() throws -> [Int] {
    struct Object: Decodable { let ids: [Int] }
    if let object: Object = decoded() { return object.ids }
    if let ids: [Int] = decoded() { return ids }
    if let list = IntegerList(argument: text) { return list.values }
    throw CommandError(
      "\(place) holds no token ids; write {\"ids\": [1, 2]}, [1, 2] or 1,2 a line.")
  }

  /// The line as JSON of that shape; nil where it has another, which the caller then tries.
  private func decoded<Value: Decodable>() -> Value? {
    do {
      return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    } catch {
      return nil
    }
  }
}
