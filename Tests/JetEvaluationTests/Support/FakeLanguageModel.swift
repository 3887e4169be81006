import Foundation

@testable import JetEvaluation

/// A model whose answers are a function of the request; it answers the last request first.
final class FakeLanguageModel: LanguageModel {
  let identity: String
  /// How often each kind of question was asked.
  private(set) var asked = 0
  /// Ends the work before this many answers.
  var mostAnswers = Int.max
  private let likelihood: (ContinuationRequest) -> Double
  private let text: (String) -> String

  struct Killed: Error {}

  init(
    identity: String = "fake",
    likelihood: @escaping (ContinuationRequest) -> Double = { -Double($0.continuation.count) },
    text: @escaping (String) -> String = { $0 }
  ) {
    self.identity = identity
    self.text = text
    self.likelihood = likelihood
  }

  func logLikelihoods(
    _ requests: [ContinuationRequest], onResult: (Int, ContinuationScore) throws -> Void
  ) throws {
    try answer(requests, onResult) {
      ContinuationScore(
        logLikelihood: likelihood($0), isGreedy: false, tokenCount: $0.continuation.count)
    }
  }

  /// A token a byte, each costing one nat more than the one before in its window of four.
  func rollingLogLikelihoods(
    _ texts: [String], onResult: (Int, RollingScore) throws -> Void
  ) throws {
    try answer(texts, onResult) { text in
      let count = text.utf8.count
      return RollingScore(
        windows: stride(from: 0, to: count, by: 4).map { start in
          let own = min(4, count - start)
          return .init(logLikelihood: -Double(own * (own + 1) / 2), tokenCount: own)
        })
    }
  }

  func generate(
    _ requests: [GenerationRequest], onResult: (Int, GeneratedAnswer) throws -> Void
  ) throws {
    try answer(requests, onResult) { GeneratedAnswer(text: text($0.context)) }
  }

  private func answer<Request, Answer>(
    _ requests: [Request], _ onResult: (Int, Answer) throws -> Void,
    _ body: (Request) -> Answer
  ) throws {
    for index in requests.indices.reversed() {
      if asked >= mostAnswers { throw Killed() }
      asked += 1
      try onResult(index, body(requests[index]))
    }
  }
}
