/// Finds added tokens in a text before it is cut into words: at the leftmost place where any
/// begins, the longest one.
struct AddedTokenMatcher: Sendable {
  /// A place where a token was found, with the white space that it takes.
  struct Match {
    var id: UInt32
    var start: Int
    var end: Int
  }

  private struct Flags {
    var isSpecial: Bool
    var stripsLeft: Bool
    var stripsRight: Bool
    var isSingleWord: Bool
  }

  private static let noToken = UInt32.max

  private var startsToken = [Bool](repeating: false, count: 256)
  /// The only first byte that tokens have, if it is one.
  private var singleStart: UInt8?
  /// A trie: the node reached from a node by a byte.
  private var children: [UInt64: UInt32] = [:]
  /// The token that ends at each node.
  private var tokenIDs: [UInt32] = [noToken]
  private var flags: [UInt32: Flags] = [:]

  /// Whether there is nothing to find.
  var isEmpty: Bool { flags.isEmpty }

  /// A matcher of tokens, each with the text to look for.
  init(_ tokens: [(token: Tokenizer.AddedToken, text: String)]) {
    for (token, text) in tokens {
      let bytes = text.utf8
      guard let first = bytes.first else { continue }
      startsToken[Int(first)] = true
      var node: UInt32 = 0
      for byte in bytes {
        let key = UInt64(node) << 8 | UInt64(byte)
        if let next = children[key] {
          node = next
        } else {
          node = UInt32(tokenIDs.count)
          children[key] = node
          tokenIDs.append(Self.noToken)
        }
      }
      let id = UInt32(token.id)
      tokenIDs[Int(node)] = id
      flags[id] = Flags(
        isSpecial: token.isSpecial, stripsLeft: token.stripsLeft, stripsRight: token.stripsRight,
        isSingleWord: token.isSingleWord)
    }
    let starts = startsToken.indices.filter { startsToken[$0] }
    singleStart = starts.count == 1 ? UInt8(starts[0]) : nil
  }

  /// Calls `body` with each match in order; pieces between `end` of one and `start` of the next are
  /// text.
  func forEachMatch(
    in text: UnsafeBufferPointer<UInt8>, includingSpecial: Bool, _ body: (Match) -> Void
  ) {
    guard !isEmpty else { return }
    var position = 0
    var lastEnd = 0
    while let start = nextStart(in: text, from: position) {
      guard let found = longestToken(in: text, at: start), let flags = flags[found.id] else {
        position = start + 1
        continue
      }
      position = found.end
      if flags.isSpecial && !includingSpecial { continue }
      if flags.isSingleWord, Self.isInsideWord(text, found) { continue }
      var match = found
      if flags.stripsLeft {
        while match.start > lastEnd {
          let before = text.startOfScalar(before: match.start)
          guard Self.flags(text, before) & ScalarClasses.space != 0 else { break }
          match.start = before
        }
        match.start = max(match.start, lastEnd)
      }
      if flags.stripsRight {
        match.end = ClassifiedText(text).endOfRun(
          from: match.end, to: text.count, of: ScalarClasses.space)
      }
      body(match)
      lastEnd = match.end
    }
  }

  @inline(__always)
  private func nextStart(in text: UnsafeBufferPointer<UInt8>, from position: Int) -> Int? {
    var position = position
    if let singleStart {
      while position < text.count {
        if text[position] == singleStart { return position }
        position += 1
      }
      return nil
    }
    return startsToken.withUnsafeBufferPointer { startsToken in
      while position < text.count {
        if startsToken[Int(text[position])] { return position }
        position += 1
      }
      return nil
    }
  }

  private func longestToken(in text: UnsafeBufferPointer<UInt8>, at start: Int) -> Match? {
    var node: UInt32 = 0
    var found: Match?
    var position = start
    while position < text.count, let next = children[UInt64(node) << 8 | UInt64(text[position])] {
      node = next
      position += 1
      let id = tokenIDs[Int(node)]
      if id != Self.noToken { found = Match(id: id, start: start, end: position) }
    }
    return found
  }

  private static func flags(_ text: UnsafeBufferPointer<UInt8>, _ position: Int) -> UInt8 {
    ClassifiedText(text).scalar(at: position).flags
  }

  private static func isInsideWord(_ text: UnsafeBufferPointer<UInt8>, _ match: Match) -> Bool {
    if match.start > 0 {
      let before = flags(text, text.startOfScalar(before: match.start))
      if before & ScalarClasses.word != 0 { return true }
    }
    return match.end < text.count && flags(text, match.end) & ScalarClasses.word != 0
  }
}
