import JetInference
public import JetModels
import JetTensor
public import JetText

/// A ``HybridModel`` with its tokenizer, answering many requests in padded batches.
///
/// Continuations of one context share its state: the context is read once. Requests go together by
/// length, longest first, so that too little memory shows at once and the rest goes faster than
/// foretold.
public final class HybridLanguageModel: LanguageModel {
  /// The most tokens of a batch, padding included, when none are given.
  public static let defaultBatchTokens = 4096
  /// The longest window of a rolling text when none is given.
  public static let defaultWindow = 2048

  /// Names weights, tokenizer and element type.
  public let identity: String
  let model: HybridModel
  let encoding: RequestEncoding
  let batchTokens: Int
  let endTokens: Set<Int>
  private let window: Int

  /// A model that answers requests.
  ///
  /// - Parameters:
  ///   - model: the model.
  ///   - tokenizer: its tokenizer.
  ///   - endTokens: tokens that end a generated answer.
  ///   - batchTokens: the most tokens of a batch, padding included; a longer text is read in pieces.
  ///   - window: the longest part of a text that rolling likelihoods read at once; at most the
  ///     model's positions.
  /// - Throws: ``EvaluationError`` for sizes below 1, what libtorch reports while weights are read.
  public convenience init(
    _ model: HybridModel, tokenizer: Tokenizer, endTokens: Set<Int>,
    batchTokens: Int = HybridLanguageModel.defaultBatchTokens,
    window: Int = HybridLanguageModel.defaultWindow
  ) throws {
    let positions = model.configuration.maximumPositions
    try self.init(
      model,
      identity: ModelFingerprint.text(model, tokenizer, endTokens) + "-w\(min(window, positions))",
      encoding: RequestEncoding(tokenizer, maximumPositions: positions), endTokens: endTokens,
      batchTokens: batchTokens, window: window)
  }

  /// Another model that is asked the same requests: their tokens are kept, and no weight is read to name it.
  ///
  /// - Parameters:
  ///   - model: a model with the tokenizer and the positions of `other`.
  ///   - identity: names the new model, as ``identity`` does.
  ///   - other: whose tokenizer, end tokens, batches and window are used, and whose tokens are shared.
  /// - Throws: ``EvaluationError`` when the two models have other positions.
  public convenience init(
    _ model: HybridModel, identity: String, like other: HybridLanguageModel
  ) throws {
    let (own, wanted) = (
      model.configuration.maximumPositions, other.encoding.maximumPositions
    )
    guard own == wanted else {
      throw EvaluationError(
        "A model of \(own) positions cannot share the tokens of one of \(wanted); make it anew.")
    }
    other.encoding.memory.isKept = true
    try self.init(
      model, identity: identity, encoding: other.encoding, endTokens: other.endTokens,
      batchTokens: other.batchTokens, window: other.window)
  }

  private init(
    _ model: HybridModel, identity: String, encoding: RequestEncoding, endTokens: Set<Int>,
    batchTokens: Int, window: Int
  ) throws {
    guard batchTokens >= 1, window >= 1 else {
      throw EvaluationError(
        "A batch of \(batchTokens) tokens and windows of \(window) were asked for; give 1 or more.")
    }
    self.model = model
    self.identity = identity
    self.encoding = encoding
    self.batchTokens = batchTokens
    self.window = min(window, model.configuration.maximumPositions)
    self.endTokens = endTokens
  }

  /// How likely each continuation is after its context.
  public func logLikelihoods(
    _ requests: [ContinuationRequest], onResult: (Int, ContinuationScore) throws -> Void
  ) throws {
    let encoded = try requests.map { try encoding.continuation($0) }
    try score(encoded, onResult: onResult)
  }

  /// How likely each text is from its beginning.
  public func rollingLogLikelihoods(
    _ texts: [String], onResult: (Int, RollingScore) throws -> Void
  ) throws {
    var parts: [RequestEncoding.Continuation] = []
    var owners: [(text: Int, window: Int)] = []
    var scores: [RollingScore] = []
    var missing: [Int] = []
    for (index, text) in texts.enumerated() {
      let windows = try encoding.windows(text, length: window)
      parts += windows
      owners += windows.indices.map { (index, $0) }
      let empty = RollingScore.Window(logLikelihood: 0, tokenCount: 0)
      scores.append(RollingScore(windows: windows.map { _ in empty }))
      missing.append(windows.count)
      if windows.isEmpty { try onResult(index, scores[index]) }
    }
    try score(parts) { part, score in
      let (text, window) = owners[part]
      scores[text].windows[window] = RollingScore.Window(
        logLikelihood: score.logLikelihood, tokenCount: score.tokenCount)
      missing[text] -= 1
      if missing[text] == 0 { try onResult(text, scores[text]) }
    }
  }

  /// Groups continuations by context and reads groups of like length together.
  private func score(
    _ requests: [RequestEncoding.Continuation],
    onResult: (Int, ContinuationScore) throws -> Void
  ) throws {
    var members: [[Int]: [Int]] = [:]
    for (index, request) in requests.enumerated() {
      members[request.context, default: []].append(index)
    }
    var groups = members.map { context, members in
      ContextGroup(
        context: context,
        continuations: members.map { (request: $0, tokens: requests[$0].continuation) })
    }
    groups.sort { ($1.length, $1.first) < ($0.length, $0.first) }
    for batch in Batching.batches(groups, most: batchTokens, cost: \.length, rows: \.rows) {
      let scores = try withTorchErrors {
        withoutGradients { ContinuationScorer(model, batchTokens: batchTokens).scores(batch) }
      }
      for (index, var score) in scores.sorted(by: { $0.key < $1.key }) {
        guard score.logLikelihood.isFinite else {
          throw EvaluationError(
            "The model gave a log-likelihood of \(score.logLikelihood); its weights are broken, or "
              + "the element type is too narrow for them: try float32.")
        }
        score.droppedTokens = requests[index].droppedTokens
        try onResult(index, score)
      }
    }
  }
}

/// A context with all its continuations.
struct ContextGroup {
  let context: [Int]
  let continuations: [(request: Int, tokens: [Int])]

  /// The longest sequence, in tokens that are read.
  var length: Int { context.count + (continuations.map(\.tokens.count).max() ?? 1) - 1 }
  /// How many sequences there are once the context is read.
  var rows: Int { continuations.count }
  /// The first request, for an order that does not depend on chance.
  var first: Int { continuations.first?.request ?? 0 }
}

/// Puts things of like length together.
enum Batching {
  /// Consecutive elements whose rows, padded to the longest, have at most `most` tokens; one
  /// element at least.
  static func batches<Element>(
    _ elements: [Element], most: Int, cost: (Element) -> Int, rows: (Element) -> Int
  ) -> [[Element]] {
    var result: [[Element]] = []
    var (longest, count) = (0, 0)
    for element in elements {
      let (newLongest, newCount) = (max(longest, cost(element)), count + rows(element))
      if result.isEmpty || newLongest * newCount > most {
        result.append([element])
        (longest, count) = (cost(element), rows(element))
      } else {
        result[result.count - 1].append(element)
        (longest, count) = (newLongest, newCount)
      }
    }
    return result
  }
}
