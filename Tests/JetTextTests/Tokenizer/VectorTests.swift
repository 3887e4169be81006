import Foundation
import JetText
import Testing

/// Files that are not part of the repository: looked for beside and inside it.
private enum SharedFiles {
  private static let ancestors: [URL] = {
    var folder = URL(fileURLWithPath: #filePath)
    var result: [URL] = []
    while folder.pathComponents.count > 1 {
      folder.deleteLastPathComponent()
      result.append(folder)
    }
    return result
  }()

  private static func first(_ path: String) -> URL? {
    ancestors.lazy.map { $0.appendingPathComponent(path) }
      .first { FileManager.default.fileExists(atPath: $0.path) }
  }

  static let vectors = first("shared/tokenizers/vectors.jsonl")
  static let qwen = first("shared/tokenizers/qwen2.5/vocab.json")?.deletingLastPathComponent()

  /// A GGUF file of SmolLM2 somewhere in `.deps/models`.
  static let smollm: URL? = {
    guard let models = first(".deps/models"),
      let files = FileManager.default.enumerator(at: models, includingPropertiesForKeys: nil)
    else { return nil }
    for case let file as URL in files
    where file.pathExtension == "gguf" && file.lastPathComponent.contains("SmolLM2") {
      return file
    }
    return nil
  }()
}

/// A text with the ids that Hugging Face `tokenizers` gives it.
private struct Vector: Decodable {
  var text: String
  var qwen25: [Int]
  var smollm2: [Int]

  static func all() throws -> [Vector] {
    let file = try #require(SharedFiles.vectors)
    let decoder = JSONDecoder()
    return try Data(contentsOf: file).split(separator: 0x0A).map {
      try decoder.decode(Vector.self, from: Data($0))
    }
  }
}

@Suite struct VectorTests {
  private func check(
    _ tokenizer: Tokenizer, _ ids: KeyPath<Vector, [Int]>, composes: Bool
  ) throws {
    let vectors = try Vector.all()
    #expect(vectors.count >= 327)
    for vector in vectors {
      let expected = vector[keyPath: ids]
      #expect(tokenizer.encode(vector.text) == expected, "\(vector.text.debugDescription)")
      if !composes {
        let decoded = tokenizer.decode(expected)
        #expect(Array(decoded.utf8) == Array(vector.text.utf8))
      }
    }
  }

  @Test(
    .enabled(
      if: SharedFiles.vectors != nil && SharedFiles.qwen != nil,
      "shared/tokenizers with the vectors and the files of Qwen2.5 is not there"))
  func `the ids of Qwen2_5 equal the stored ones`() throws {
    let tokenizer = try Tokenizer(contentsOf: #require(SharedFiles.qwen))
    #expect(tokenizer.vocabularySize == 151_665)
    #expect(tokenizer.endOfTextIDs == [151_643])
    try check(tokenizer, \.qwen25, composes: true)
  }

  @Test(
    .enabled(
      if: SharedFiles.vectors != nil && SharedFiles.smollm != nil,
      "the vectors, or a GGUF file of SmolLM2 in .deps/models, are not there"))
  func `the ids of SmolLM2 equal the stored ones`() throws {
    var metadata = GGUFMetadata(try Data(contentsOf: #require(SharedFiles.smollm)))
    let values = try metadata.read()
    let tokenizer = try Tokenizer(
      tokens: #require(values["tokenizer.ggml.tokens"] as? [String]),
      merges: #require(values["tokenizer.ggml.merges"] as? [String]),
      tokenTypes: #require(values["tokenizer.ggml.token_type"] as? [Int]),
      preTokenizer: #require(values["tokenizer.ggml.pre"] as? String))
    try check(tokenizer, \.smollm2, composes: false)
  }
}

/// The metadata of a GGUF file, read without care: for files that tests trust.
private struct GGUFMetadata {
  private let data: Data
  private var position = 8

  init(_ data: Data) {
    self.data = data
  }

  mutating func read() throws -> [String: Any] {
    _ = integer(8)
    let count = integer(8)
    var values: [String: Any] = [:]
    for _ in 0..<count {
      let key = string()
      values[key] = try value(type: integer(4))
    }
    return values
  }

  private mutating func integer(_ size: Int) -> Int {
    defer { position += size }
    return data[position..<position + size].reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  private mutating func string() -> String {
    let count = integer(8)
    defer { position += count }
    return String(decoding: data[position..<position + count], as: UTF8.self)
  }

  private mutating func value(type: Int) throws -> Any {
    switch type {
    case 0, 1, 7: return integer(1)
    case 2, 3: return integer(2)
    case 4, 5, 6: return integer(4)
    case 8: return string()
    case 9:
      let type = integer(4)
      let count = integer(8)
      if type == 8 { return (0..<count).map { _ in string() } }
      return try (0..<count).map { _ in try #require(value(type: type) as? Int) }
    default: return integer(8)
    }
  }
}
