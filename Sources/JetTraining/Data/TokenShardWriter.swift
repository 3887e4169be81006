public import Foundation
import JetFormats
public import JetText

/// Makes token shards: texts in, files of tokens out.
public struct TokenShardWriter: Sendable {
  /// The most tokens of a shard; a document is never cut.
  public var maximumTokens: Int
  private let tokenizer: Tokenizer
  private let vocabularySize: Int
  private let endToken: Int

  /// A writer for a model's tokenizer.
  ///
  /// - Parameters:
  ///   - tokenizer: the model's.
  ///   - vocabularySize: rows of the model's embedding; at least the tokenizer's own size.
  ///   - endToken: what follows each document; the tokenizer's first end-of-text token when nil.
  ///   - maximumTokens: the most tokens of a shard.
  /// - Throws: ``TrainingError`` when no token ends a text or the vocabulary is too small.
  public init(
    tokenizer: Tokenizer, vocabularySize: Int, endToken: Int? = nil,
    maximumTokens: Int = 1 << 26
  ) throws {
    guard let end = endToken ?? tokenizer.endOfTextIDs.first else {
      throw TrainingError(
        "the tokenizer names no end-of-text token, which separates documents; name one")
    }
    guard vocabularySize >= tokenizer.vocabularySize, (0..<vocabularySize).contains(end) else {
      throw TrainingError(
        "a vocabulary of \(vocabularySize) does not hold the tokenizer's "
          + "\(tokenizer.vocabularySize) tokens and the end token \(end); give the model's own")
    }
    self.tokenizer = tokenizer
    self.vocabularySize = vocabularySize
    self.endToken = end
    self.maximumTokens = maximumTokens
  }

  /// What was made.
  public struct Summary: Hashable, Sendable {
    /// The files, in order.
    public var shards: [URL] = []
    /// Documents that had text.
    public var documents = 0
    /// Tokens, the end-of-text tokens among them.
    public var tokens = 0
  }

  /// Tokenizes the documents of `files` into `folder`, in order, as `NAME-00000.tokens` and so on.
  ///
  /// Each shard appears whole or not at all, and their list, `shards.json`, is written last: a folder without it is
  /// not finished.
  ///
  /// - Parameters:
  ///   - files: `.txt` (a document each), `.jsonl` (a document a line, its `text`), or either with `.gz` or
  ///     `.zst` behind.
  ///   - folder: made where there is none; a list of shards in it is removed first.
  ///   - name: what the shards are called.
  ///   - progress: told the documents and tokens so far after each shard.
  /// - Throws: ``TrainingError`` or `FormatError` for a file that cannot be read or written.
  public func write(
    _ files: [URL], to folder: URL, name: String = "train",
    progress: (Summary) -> Void = { _ in }
  ) throws -> Summary {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let list = folder.appending(path: TokenShardList.fileName)
    if FileManager.default.fileExists(atPath: list.path) {
      try FileManager.default.removeItem(at: list)
    }
    let fingerprint = tokenizer.fingerprint
    var summary = Summary()
    var tokens: [UInt32] = []
    var documents = 0
    func flush() throws {
      guard !tokens.isEmpty else { return }
      let index = String(summary.shards.count)
      let padded = String(repeating: "0", count: max(0, 5 - index.count)) + index
      let url = folder.appending(path: "\(name)-\(padded).tokens")
      let header = TokenShardHeader(
        vocabularySize: vocabularySize, endToken: endToken, tokenCount: tokens.count,
        documentCount: documents, fingerprint: fingerprint)
      try Self.write(header, tokens, to: url)
      summary.shards.append(url)
      summary.documents += documents
      summary.tokens += tokens.count
      tokens.removeAll(keepingCapacity: true)
      documents = 0
      progress(summary)
    }
    func append(_ texts: [String]) throws {
      for ids in encoded(texts) where !ids.isEmpty {
        if !tokens.isEmpty, tokens.count + ids.count + 1 > maximumTokens { try flush() }
        tokens += ids
        tokens.append(UInt32(endToken))
        documents += 1
      }
    }
    var (waiting, waitingBytes) = ([String](), 0)
    for file in files {
      try TextDocuments(file).forEach { text in
        waiting.append(text)
        waitingBytes += text.utf8.count
        guard waitingBytes >= Self.batchBytes else { return }
        try append(waiting)
        (waiting, waitingBytes) = ([], 0)
      }
    }
    try append(waiting)
    try flush()
    guard !summary.shards.isEmpty else {
      throw TrainingError(
        "no text was found in \(files.count) files, of which the first is "
          + "\(files.first?.path ?? "absent"); give files with text")
    }
    try TokenShardList(shards: summary.shards.map(\.lastPathComponent)).write(to: folder)
    return summary
  }

  /// Bytes of text that are tokenized at once: enough for all processors, little beside a shard.
  private static let batchBytes = 1 << 22

  /// The tokens of each text, on all processors; the order is that of the texts.
  private func encoded(_ texts: [String]) -> [[UInt32]] {
    var results = [[UInt32]](repeating: [], count: texts.count)
    results.withUnsafeMutableBufferPointer { results in
      // Each place is written by one iteration, and all are over before the pointer is.
      nonisolated(unsafe) let places = results
      DispatchQueue.concurrentPerform(iterations: texts.count) { index in
        places[index] = tokenizer.encode(
          texts[index], addSpecialTokens: false, parseSpecialTokens: false
        ).map { UInt32($0) }
      }
    }
    return results
  }

  private static func write(
    _ header: TokenShardHeader, _ tokens: [UInt32], to url: URL
  ) throws {
    try AtomicFile.write(to: url) { output in
      try output.write(header.bytes)
      if header.tokenByteCount == 2 {
        try tokens.map { UInt16($0).littleEndian }.withUnsafeBytes { try output.write($0) }
      } else {
        try tokens.map(\.littleEndian).withUnsafeBytes { try output.write($0) }
      }
    }
  }
}

/// The list of a folder's shards, `shards.json`.
public struct TokenShardList: Codable, Hashable, Sendable {
  static let fileName = "shards.json"

  /// Names of files in the same folder, in order.
  public var shards: [String]

  func write(to folder: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try AtomicFile.write(encoder.encode(self), to: folder.appending(path: Self.fileName))
  }

  /// Opens the shards of a folder, which belong together: one vocabulary, one tokenizer.
  ///
  /// - Throws: ``TrainingError`` when the list is absent or malformed or the shards disagree.
  public static func open(_ folder: URL) throws -> [TokenShard] {
    let url = folder.appending(path: fileName)
    guard let data = FileManager.default.contents(atPath: url.path) else {
      throw TrainingError(
        "\(folder.path) has no \(fileName), so its token shards are not finished; make them again")
    }
    let list: TokenShardList
    do {
      list = try JSONDecoder().decode(TokenShardList.self, from: data)
    } catch {
      throw TrainingError("\(url.path) is not a list of shards; make the token shards again")
    }
    return try list.shards.map { name in
      guard !name.contains("/"), !name.hasPrefix(".") else {
        throw TrainingError("\(url.path) names the file '\(name)', which is not in its folder")
      }
      return try TokenShard(folder.appending(path: name))
    }
  }
}
