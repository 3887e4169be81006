extension Tokenizer {
  /// The text of token ids.
  ///
  /// Bytes that are not UTF-8 become U+FFFD, one for each maximal broken part; ids that the
  /// vocabulary does not have are left out.
  ///
  /// - Parameters:
  ///   - ids: any ids.
  ///   - skipSpecialTokens: whether to leave out ``specialIDs``.
  /// - Returns: the text, valid UTF-8 whatever the ids.
  public func decode(_ ids: [Int], skipSpecialTokens: Bool = false) -> String {
    var bytes: [UInt8] = []
    for id in ids { tables.appendBytes(of: id, skipSpecialTokens, to: &bytes) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A decoder that takes ids one at a time, as a model makes them.
  public func makeStreamDecoder(skipSpecialTokens: Bool = false) -> StreamDecoder {
    StreamDecoder(tables, skipSpecialTokens)
  }
}

extension TokenizerTables {
  /// Appends the bytes that a token stands for.
  func appendBytes(of id: Int, _ skipSpecialTokens: Bool, to result: inout [UInt8]) {
    guard contents.indices.contains(id), !(skipSpecialTokens && specialIDs.contains(id)) else {
      return
    }
    result.append(contentsOf: decodedBytes[decodedStarts[id]..<decodedStarts[id + 1]])
  }
}
