/// The tokens of a sequence so far, counted for the penalties.
public struct TokenHistory: Sendable {
  /// The prompt, then the generated tokens.
  public private(set) var tokens: [Int]
  /// How many of the tokens are the prompt.
  public let promptCount: Int
  private var seen: Set<Int>
  private var generatedCounts: [Int: Int] = [:]

  /// Starts with a prompt, which may be empty.
  public init(prompt: [Int] = []) {
    tokens = prompt
    promptCount = prompt.count
    seen = Set(prompt)
  }

  /// The tokens after the prompt.
  public var generated: ArraySlice<Int> { tokens[promptCount...] }

  /// Adds a generated token.
  ///
  /// - Complexity: O(1), amortized.
  public mutating func append(_ token: Int) {
    tokens.append(token)
    seen.insert(token)
    generatedCounts[token, default: 0] += 1
  }

  /// The distinct tokens among the last `window`.
  func seen(window: Int?) -> Set<Int> {
    guard let window, window < tokens.count else { return seen }
    return Set(tokens.suffix(window))
  }

  /// How often each token was generated among the last `window`.
  func generatedCounts(window: Int?) -> [Int: Int] {
    guard let window, window < tokens.count - promptCount else { return generatedCounts }
    return generated.suffix(window).reduce(into: [:]) { $0[$1, default: 0] += 1 }
  }
}
