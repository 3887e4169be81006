/// Finds stop strings in text that arrives in pieces.
///
/// Text goes out as soon as it can no longer belong to a stop string. The stop string that ends
/// first counts, of several the longest, so the result does not depend on where the pieces are cut.
/// Strings are compared by their UTF-8 bytes, without Unicode normalization.
///
/// - Source: Knuth, Morris and Pratt 1977, "Fast pattern matching in strings", one automaton a
///   string.
public struct StopStrings: Sendable {
  /// Why stop strings were refused.
  public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The stop string at this index is empty.
    case empty(index: Int)

    /// One sentence: what was found and what to do.
    public var description: String {
      switch self {
      case .empty(let index):
        "The stop string at index \(index) is empty and would match everywhere; leave it out."
      }
    }
  }

  private var automata: [Automaton]
  private var pending: [UInt8] = []
  private var stopped = false

  /// Creates a matcher; without strings all text goes straight through.
  ///
  /// - Throws: ``Failure/empty(index:)``.
  public init(_ strings: [String]) throws(Failure) {
    if let index = strings.firstIndex(where: { $0.isEmpty }) { throw .empty(index: index) }
    automata = strings.map { Automaton(Array($0.utf8)) }
  }

  /// Takes the next piece.
  ///
  /// - Returns: the text that is now certain, and whether a stop string was found; after that
  ///   nothing more is emitted. The stop string itself is never emitted.
  /// - Complexity: O(bytes · strings).
  public mutating func append(_ piece: String) -> (emit: String, stopped: Bool) {
    guard !stopped else { return ("", true) }
    for byte in piece.utf8 {
      pending.append(byte)
      var longest = 0
      for index in automata.indices where automata[index].advance(byte) {
        longest = max(longest, automata[index].pattern.count)
      }
      if longest > 0 {
        stopped = true
        pending.removeLast(longest)
        return (release(keeping: 0), true)
      }
    }
    return (release(keeping: automata.map(\.matched).max() ?? 0), false)
  }

  /// Ends the text and returns what was held back.
  public mutating func finish() -> String {
    stopped = true
    return release(keeping: 0)
  }

  private mutating func release(keeping held: Int) -> String {
    let count = pending.count - held
    let text = String(decoding: pending.prefix(count), as: UTF8.self)
    pending.removeFirst(count)
    return text
  }
}

/// The progress of one stop string through the text.
private struct Automaton: Sendable {
  let pattern: [UInt8]
  /// For each prefix of the pattern, the length of its longest proper suffix that is a prefix.
  private let fallback: [Int]
  /// How many bytes of the pattern the text now ends with.
  private(set) var matched = 0

  init(_ pattern: [UInt8]) {
    self.pattern = pattern
    var fallback = [0]
    var length = 0
    for index in pattern.indices.dropFirst() {
      while length > 0, pattern[index] != pattern[length] { length = fallback[length - 1] }
      if pattern[index] == pattern[length] { length += 1 }
      fallback.append(length)
    }
    self.fallback = fallback
  }

  /// Takes one byte and returns whether the pattern ends with it.
  mutating func advance(_ byte: UInt8) -> Bool {
    while matched > 0, matched == pattern.count || pattern[matched] != byte {
      matched = fallback[matched - 1]
    }
    if pattern[matched] == byte { matched += 1 }
    return matched == pattern.count
  }
}
