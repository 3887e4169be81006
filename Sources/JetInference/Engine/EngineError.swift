/// Why an ``Engine`` did not carry out a request.
public enum EngineError: Error, Equatable, Sendable, CustomStringConvertible {
  /// An option lies outside its range.
  case invalidOption(name: String, value: Int, expected: String)
  /// A request needs more pages than the runner has.
  case neverFits(tokens: Int, pages: Int, available: Int)
  /// The engine was shut down.
  case stopped
  /// The runner gave what it must not give.
  case brokenRunner(String)
  /// The runner failed too often.
  case runnerFailed(times: Int, last: String)

  /// One sentence: what was found, what was expected and what to do.
  public var description: String {
    switch self {
    case .invalidOption(let name, let value, let expected):
      "The engine's option \(name) is \(value); give \(expected)."
    case .neverFits(let tokens, let pages, let available):
      "The request may reach \(tokens) tokens, which take \(pages) pages of state, and there are "
        + "\(available); shorten the prompt, ask for fewer tokens or give the engine more pages."
    case .stopped:
      "The engine was shut down; start another one."
    case .brokenRunner(let what):
      "The engine's runner broke its contract: \(what); this is a fault of the program."
    case .runnerFailed(let times, let last):
      "The engine stopped, for \(times) steps in a row failed, the last with: \(last)"
    }
  }
}
