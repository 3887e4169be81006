/// The tables of a tokenizer, made once and shared by its copies.
final class TokenizerTables: Sendable {
  /// The token of each id.
  let contents: [String?]
  /// The id of each token.
  let ids: ByteStringTable
  /// The bytes that the tokens stand for, one after the other, and where each begins.
  let decodedBytes: [UInt8]
  let decodedStarts: [Int]
  /// The id of each word that is one token.
  let words: ByteStringTable
  let encoder: BytePairEncoder
  /// The tokens looked for in the text as it is, and in the normalized text.
  let addedTokens: AddedTokenMatcher
  let normalizedAddedTokens: AddedTokenMatcher
  let composes: Bool
  let steps: [TokenizerDefinition.Step]
  let specialIDs: Set<Int>
  let prefix: [Int]
  let suffix: [Int]
  let beginOfTextID: Int?
  let endOfTextIDs: [Int]
  let scratchPool = ScratchPool()

  init(_ definition: TokenizerDefinition) throws(TokenizerError) {
    let (contents, ids) = try Self.vocabulary(definition)
    self.contents = contents
    self.ids = ids
    (decodedBytes, decodedStarts) = Self.decoded(contents, definition)
    let encoder = BytePairEncoder(
      byteIDs: Self.byteIDs(definition),
      merges: try Self.merges(definition, ids))
    self.encoder = encoder
    words = Self.words(definition, encoder)
    composes = definition.composes
    addedTokens = AddedTokenMatcher(
      definition.addedTokens.filter { !$0.isNormalized }.map { ($0, $0.content) })
    normalizedAddedTokens = AddedTokenMatcher(
      definition.addedTokens.filter(\.isNormalized).map { ($0, definition.normalized($0.content)) })
    steps = definition.steps
    specialIDs = Set(definition.addedTokens.lazy.filter(\.isSpecial).map(\.id))
    let named = definition.prefix + definition.suffix + definition.endOfTextIDs
    for id in named + (definition.beginOfTextID.map { [$0] } ?? []) {
      guard contents.indices.contains(id), contents[id] != nil else {
        throw .invalid(
          file: definition.file, key: "a special token", found: "the id \(id)",
          expected: "an id of the vocabulary")
      }
    }
    prefix = definition.prefix
    suffix = definition.suffix
    beginOfTextID = definition.beginOfTextID
    endOfTextIDs = definition.endOfTextIDs
  }

  private static func vocabulary(
    _ definition: TokenizerDefinition
  ) throws(TokenizerError) -> ([String?], ByteStringTable) {
    let count = definition.entries.count + definition.addedTokens.count
    // Gaps are legal, but no id may ask for memory that the file does not account for.
    let limit = 4 * count + 65_536
    var contents = [String?](repeating: nil, count: count)
    var ids = ByteStringTable(capacity: count)
    func add(_ content: String, _ id: Int, isReachable: Bool) throws(TokenizerError) {
      guard (0..<limit).contains(id) else {
        throw .invalid(
          file: definition.file, key: "the id of token \"\(content.shortened)\"", found: "\(id)",
          expected: "an id from 0 to \(limit - 1) (the file has \(count) tokens)")
      }
      while contents.count <= id { contents.append(nil) }
      if let other = contents[id] {
        guard !other.utf8.elementsEqual(content.utf8) else { return }
        throw .invalid(
          file: definition.file, key: "the id of token \"\(content.shortened)\"", found: "\(id)",
          expected: "an id that \"\(other.shortened)\" does not have")
      }
      contents[id] = content
      guard ids.insert(content, id: UInt32(id)) || !isReachable else {
        throw .invalid(
          file: definition.file, key: "the token \"\(content.shortened)\"",
          found: "given two ids, one of them \(id)", expected: "one id")
      }
    }
    for entry in definition.entries {
      try add(entry.content, entry.id, isReachable: entry.isReachable)
    }
    for token in definition.addedTokens {
      guard !token.content.isEmpty else {
        throw .invalid(
          file: definition.file, key: "the added token \(token.id)", found: "empty",
          expected: "some text")
      }
      try add(token.content, token.id, isReachable: true)
    }
    while let last = contents.last, last == nil { contents.removeLast() }
    return (contents, ids)
  }

  /// The bytes of every token: spelled in the byte alphabet, or else the token's own UTF-8.
  ///
  /// An added token that is looked for in normalized text stands for its normalized self.
  private static func decoded(
    _ contents: [String?], _ definition: TokenizerDefinition
  ) -> ([UInt8], [Int]) {
    var contents = contents
    for token in definition.addedTokens where token.isNormalized {
      contents[token.id] = definition.normalized(token.content)
    }
    var bytes: [UInt8] = []
    var starts = [0]
    starts.reserveCapacity(contents.count + 1)
    for content in contents {
      if let content, !ByteAlphabet.append(bytesOf: content, to: &bytes) {
        bytes.append(contentsOf: content.utf8)
      }
      starts.append(bytes.count)
    }
    return (bytes, starts)
  }

  private static func byteIDs(_ definition: TokenizerDefinition) -> [UInt32] {
    var result = [UInt32](repeating: BytePairEncoder.noID, count: 256)
    var bytes: [UInt8] = []
    for entry in definition.entries where entry.isReachable && entry.content.utf8.count <= 2 {
      bytes.removeAll(keepingCapacity: true)
      guard ByteAlphabet.append(bytesOf: entry.content, to: &bytes), bytes.count == 1 else {
        continue
      }
      result[Int(bytes[0])] = UInt32(entry.id)
    }
    return result
  }

  private static func merges(
    _ definition: TokenizerDefinition, _ ids: ByteStringTable
  ) throws(TokenizerError) -> MergeTable {
    var table = MergeTable(capacity: definition.merges.count)
    for (rank, merge) in definition.merges.enumerated() {
      guard let left = ids.id(of: merge.left), let right = ids.id(of: merge.right),
        let merged = ids.id(of: merge.left + merge.right)
      else {
        let parts = [merge.left, merge.right, merge.left + merge.right]
        let missing = parts.first { ids.id(of: $0) == nil } ?? ""
        throw .invalid(
          file: definition.file, key: "merge \(rank)",
          found: "\"\(merge.left.shortened)\" with \"\(merge.right.shortened)\"",
          expected: "\"\(missing.shortened)\" in the vocabulary")
      }
      table.append(left: left, right: right, merged: merged)
    }
    return table
  }

  /// The words that encode to one token: found at once, without a merge.
  private static func words(
    _ definition: TokenizerDefinition, _ encoder: BytePairEncoder
  ) -> ByteStringTable {
    var table = ByteStringTable(capacity: definition.entries.count)
    var scratch = EncodingScratch()
    var bytes: [UInt8] = []
    for entry in definition.entries where entry.isReachable {
      bytes.removeAll(keepingCapacity: true)
      guard ByteAlphabet.append(bytesOf: entry.content, to: &bytes), !bytes.isEmpty else {
        continue
      }
      bytes.withUnsafeBufferPointer { word in
        let id = UInt32(entry.id)
        if !definition.ignoresMerges {
          encoder.encode(word, scratch: &scratch)
          guard scratch.ids.count == 1, scratch.ids[0] == id else { return }
        }
        _ = table.insert(word, id: id)
      }
    }
    return table
  }
}

extension String {
  /// The string cut to a length that fits a message.
  var shortened: String {
    unicodeScalars.count <= 40 ? self : String(unicodeScalars.prefix(40)) + "…"
  }
}
