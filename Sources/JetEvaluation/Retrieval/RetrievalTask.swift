import JetInference

/// Facts that were given earlier in the text and are asked for at its end, made from a seed.
///
/// The same values give the same questions. A question is posed in one of two ways: as a choice among
/// numbers that stand in the text, which gives small models a signal too, or to be written.
public struct RetrievalTask: Hashable, Sendable {
  /// What stands around the facts.
  public enum Family: String, Hashable, Sendable, CaseIterable {
    /// Nothing: the whole text is a list of keys and values.
    case recall
    /// Sentences that have nothing to do with them.
    case needle
  }

  /// How long a question may be, in tokens.
  public static let tokenBounds = 64...1_048_576
  /// How many questions there may be at each depth.
  public static let itemBounds = 1...10_000

  /// What stands around the facts.
  public var family: Family
  /// Tokens of the whole question, its answer included; a few less, never more.
  public var tokens: Int
  /// Where the fact that is asked for stands, in per cent of the text from its beginning.
  public var depths: [Int]
  /// Facts of ``Family/needle``, the one that is asked for included.
  public var needles: Int
  /// How many choices there are.
  public var choices: Int
  /// Questions at each depth.
  public var itemsPerDepth: Int
  /// Whether the answer is written, rather than chosen.
  public var isWritten: Bool
  /// Start of the random numbers.
  public var seed: UInt64
  /// Sentences to hide the facts in; generated ones when empty.
  public var filler: [String]

  /// A task with all its values.
  public init(
    _ family: Family, tokens: Int, depths: [Int] = [0, 25, 50, 75, 100], needles: Int = 4,
    choices: Int = 4, itemsPerDepth: Int = 20, isWritten: Bool = false, seed: UInt64 = 0,
    filler: [String] = []
  ) {
    self.family = family
    self.tokens = tokens
    self.depths = depths
    self.needles = needles
    self.choices = choices
    self.itemsPerDepth = itemsPerDepth
    self.isWritten = isWritten
    self.seed = seed
    self.filler = filler
  }

  /// `needle-2048`, or `needle-written-2048`.
  public var name: String { "\(family.rawValue)\(isWritten ? "-written" : "")-\(tokens)" }

  /// Writes out the questions.
  ///
  /// - Parameter count: how many tokens a text has for the model that will be asked.
  /// - Throws: ``EvaluationError`` for values out of range, or too few tokens for the facts.
  public func task(count: (String) -> Int) throws -> EvaluationTask {
    try validate()
    var chosen: [ChoiceItem] = []
    var written: [CompletionItem] = []
    for depth in depths {
      for place in 0..<itemsPerDepth {
        var random = RandomNumbers(
          seed: seed &+ UInt64(tokens) &* 1_000_003 &+ UInt64(depth) &* 10_007 &+ UInt64(place))
        let question = try question(depth: depth, count: count, &random)
        let id = "\(depth)%/\(place)"
        if isWritten {
          written.append(
            CompletionItem(
              id: id,
              request: GenerationRequest(
                context: question.context, stop: ["\n", "."], maximumTokens: 12),
              answers: [question.choices[question.answer]]))
        } else {
          chosen.append(
            ChoiceItem(
              id: id,
              requests: question.choices.map {
                ContinuationRequest(context: question.context, continuation: " \($0)")
              }, choices: question.choices, answer: question.answer))
        }
      }
    }
    return EvaluationTask(
      name: name, questions: isWritten ? .completions(written) : .choices(chosen, .characters),
      metric: isWritten ? "contains" : "accuracy")
  }

  private func validate() throws {
    func require(_ holds: Bool, _ what: String, _ found: String, _ expected: String) throws {
      guard holds else {
        throw EvaluationError("\(name): \(what) is \(found); give \(expected).")
      }
    }
    try require(
      Self.tokenBounds.contains(tokens), "the length", "\(tokens) tokens",
      "\(Self.tokenBounds.lowerBound) to \(Self.tokenBounds.upperBound)")
    try require(
      !depths.isEmpty && depths.allSatisfy { (0...100).contains($0) }, "the depth", "\(depths)",
      "per cents from 0 to 100")
    try require(
      Self.itemBounds.contains(itemsPerDepth), "the number of items", "\(itemsPerDepth)",
      "\(Self.itemBounds.lowerBound) to \(Self.itemBounds.upperBound)")
    try require((2...26).contains(choices), "the number of choices", "\(choices)", "2 to 26")
    try require((1...100).contains(needles), "the number of needles", "\(needles)", "1 to 100")
  }
}
