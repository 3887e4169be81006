import Foundation

/// A prompt of a file, with what the file says about it.
struct PromptLine: Equatable {
  /// A name that the file gives a prompt, which its result bears again.
  enum Name: Codable, Hashable {
    case text(String)
    case number(Int)

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      do {
        self = .number(try value.decode(Int.self))
      } catch DecodingError.typeMismatch {
        self = .text(try value.decode(String.self))
      }
    }

    func encode(to encoder: any Encoder) throws {
      var value = encoder.singleValueContainer()
      switch self {
      case .text(let text): try value.encode(text)
      case .number(let number): try value.encode(number)
      }
    }
  }

  let prompt: String
  var id: Name?
  var maxTokens: Int?
  var temperature: Float?
  var seed: UInt64?
  /// Such as `prompts.jsonl, line 3`.
  let place: String

  /// The prompts of a file, or of standard input where it is `-`.
  ///
  /// - Throws: ``CommandError`` for a file without prompts, or for the first line that is none.
  static func all(in path: String) throws -> [PromptLine] {
    var lines: [PromptLine] = []
    try TextLines(path).forEach { lines.append(try PromptLine($0)) }
    guard !lines.isEmpty else {
      throw CommandError(
        "\(path == "-" ? "Standard input" : path) has no prompts; write one a line.")
    }
    return lines
  }

  /// Reads a line: an object where it begins with `{`, otherwise a text.
  init(_ line: TextLines.Line) throws {
    place = line.place
    guard line.text.first(where: { !$0.isWhitespace }) == "{" else {
      prompt = line.text.last == "\r" ? String(line.text.dropLast()) : line.text
      return
    }
    let fields = try Self.fields(line)
    prompt = fields.prompt
    guard !prompt.isEmpty else {
      throw CommandError("\(place) has an empty \"prompt\"; give at least one character.")
    }
    (id, maxTokens, temperature) = (fields.id, fields.maxTokens, fields.temperature)
    seed = fields.seed
  }

  private static func fields(_ line: TextLines.Line) throws -> Fields {
    do {
      return try JSONDecoder().decode(Fields.self, from: Data(line.text.utf8))
    } catch {
      throw CommandError(
        "\(line.place) is no prompt: \(reason(error)); write a text or an object with \"prompt\" and, "
          + "as wanted, \"id\", \"max_tokens\", \"temperature\" and \"seed\".")
    }
  }

  private static func reason(_ error: any Error) -> String {
    switch error {
    case let unknown as UnknownKey: return "it has the unknown key \"\(unknown.name)\""
    case is MissingPrompt: return "it has no \"prompt\""
    case let wrong as WrongValue: return "its \"\(wrong.name)\" is not what it can be"
    case is DecodingError: return "it is not valid JSON"
    default: return "\(error)"
    }
  }
}

/// What an object on a line says.
private struct Fields: Decodable {
  let prompt: String
  let id: PromptLine.Name?
  let maxTokens: Int?
  let temperature: Float?
  let seed: UInt64?

  private enum CodingKeys: String, CodingKey {
    case prompt, id, temperature, seed
    case maxTokens = "max_tokens"
  }

  init(from decoder: any Decoder) throws {
    let keys = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
    if let unknown = keys.sorted().first(where: { CodingKeys(rawValue: $0) == nil }) {
      throw UnknownKey(name: unknown)
    }
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func read<Value: Decodable>(_ key: CodingKeys) throws -> Value? {
      do {
        return try values.decodeIfPresent(Value.self, forKey: key)
      } catch {
        // Foundation does not always say which number was none.
        throw WrongValue(name: key.rawValue)
      }
    }
    guard let prompt: String = try read(.prompt) else { throw MissingPrompt() }
    self.prompt = prompt
    id = try read(.id)
    maxTokens = try read(.maxTokens)
    temperature = try read(.temperature)
    seed = try read(.seed)
  }
}

private struct MissingPrompt: Error {}

private struct WrongValue: Error {
  let name: String
}

private struct UnknownKey: Error {
  let name: String
}

private struct AnyKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }

  init(stringValue: String) { self.stringValue = stringValue }

  init?(intValue: Int) { return nil }
}
