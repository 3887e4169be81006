/// The tokens of a request as they come, then its summary.
///
/// It throws the error that ended the request. It is read once.
public struct EngineStream: AsyncSequence, Sendable {
  /// The request, to cancel it by.
  public let id: RequestID
  let base: AsyncThrowingStream<EngineOutput, any Error>

  /// Reads the stream.
  public func makeAsyncIterator() -> AsyncThrowingStream<EngineOutput, any Error>.Iterator {
    base.makeAsyncIterator()
  }

  /// Waits for the end.
  ///
  /// - Returns: all tokens that were not read before, and the summary.
  /// - Throws: the error that ended the request; `CancellationError` where the task is cancelled.
  public func collect() async throws -> (tokens: [Int], summary: EngineSummary) {
    var tokens: [Int] = []
    for try await output in self {
      switch output {
      case .token(let token): tokens.append(token)
      case .finished(let summary): return (tokens, summary)
      }
    }
    // Only a cancelled task sees a stream that ends before its summary.
    throw CancellationError()
  }
}
