import Foundation
import Synchronization

/// Generates tokens for many requests at once on one model: continuous batching, prompts in pieces,
/// a fixed pool of slots and pages.
///
/// The tokens of a request are those that it has alone, but for rounding; its company changes when they come. The
/// runner is used from a thread of the engine's own, so neither a caller nor Swift's pool of threads
/// is ever blocked. Requests are taken from any thread. An engine that nobody holds finishes what
/// streams still want.
public final class Engine: Sendable {
  /// How much fits.
  public let capacity: EngineCapacity
  private let mailbox: Mailbox<EngineLoop.Message>
  private let board: StatisticsBoard
  private let end: EndOfThread
  private let requestCount = Atomic<Int>(0)

  /// Starts an engine.
  ///
  /// - Parameters:
  ///   - runner: the engine's from now on.
  ///   - options: how it is shared.
  /// - Throws: ``EngineError/invalidOption(name:value:expected:)``.
  public init(
    runner: sending any EngineRunner, options: EngineOptions = EngineOptions()
  ) throws(EngineError) {
    capacity = runner.capacity
    let mailbox = Mailbox<EngineLoop.Message>()
    let board = StatisticsBoard()
    let end = EndOfThread()
    let loop = try Handover(EngineLoop(runner, options, mailbox, board))
    self.mailbox = mailbox
    self.board = board
    self.end = end
    let thread = Thread {
      loop.take()?.run()
      end.reach()
    }
    thread.name = "jet engine"
    thread.stackSize = 16 << 20  // As the main thread's or more: libtorch and our kernels run here.
    thread.start()
  }

  deinit { stop(cancelling: true) }

  /// How busy the engine was when its latest step ended.
  public var statistics: EngineStatistics { board.value.withLock { $0 } }

  /// Takes a request; its tokens come as a stream.
  ///
  /// Dropping the stream, or cancelling the task that reads it, ends the request at the next step.
  public func submit(_ request: EngineRequest) -> EngineStream {
    let (base, continuation) = AsyncThrowingStream<EngineOutput, any Error>.makeStream()
    let id = nextID()
    // The stream holds the engine as long as the request is under way.
    continuation.onTermination = { [self] termination in
      if case .cancelled = termination { cancel(id) }
    }
    submit(request, id) { output in
      switch output {
      case .success(.finished(let summary)):
        continuation.yield(.finished(summary))
        continuation.finish()
      case .success(let token):
        continuation.yield(token)
      case .failure(let error):
        continuation.finish(throwing: error)
      }
    }
    return EngineStream(id: id, base: base)
  }

  /// Takes a request; its tokens go to a function.
  ///
  /// - Parameter receive: called on the engine's thread, which waits for it, with each token and then
  ///   once with the summary or the error.
  @discardableResult
  public func submit(
    _ request: EngineRequest,
    receive: @escaping @Sendable (Result<EngineOutput, any Error>) -> Void
  ) -> RequestID {
    let id = nextID()
    submit(request, id, receive)
    return id
  }

  private func nextID() -> RequestID {
    RequestID(number: requestCount.add(1, ordering: .relaxed).newValue)
  }

  private func submit(
    _ request: EngineRequest, _ id: RequestID, _ receive: @escaping EngineLoop.Receiver
  ) {
    let message = EngineLoop.Message.submit(id, request, since: ContinuousClock.now, receive)
    if let error = mailbox.post(message) { receive(.failure(error)) }
  }

  /// Ends a request at the next step with ``FinishReason/stoppedByCaller``; nothing happens where it
  /// has ended.
  public func cancel(_ id: RequestID) { mailbox.post(.cancel(id)) }

  /// Takes no more requests from now on, and does not wait.
  ///
  /// - Parameter cancelling: ends all requests at the next step; otherwise they are finished.
  public func stop(cancelling: Bool = false) {
    mailbox.post(.shutdown(cancelling: cancelling))
  }

  /// Stops and returns when the engine has ended.
  ///
  /// - Parameter cancelling: ends all requests at the next step; otherwise they are finished.
  public func shutdown(cancelling: Bool = false) async {
    stop(cancelling: cancelling)
    await withCheckedContinuation { continuation in
      end.whenReached { continuation.resume() }
    }
  }

  /// The same for callers that may block.
  @available(*, noasync)
  public func shutdownAndWait(cancelling: Bool = false) {
    stop(cancelling: cancelling)
    let ended = DispatchSemaphore(value: 0)
    end.whenReached { ended.signal() }
    ended.wait()
  }
}

/// Carries a value to the thread that uses it from then on.
///
/// Unchecked: the value comes as `sending`, so nobody else holds it, and only the new thread takes
/// it.
private final class Handover<Value>: @unchecked Sendable {
  private var value: Value?

  init(_ value: sending Value) { self.value = value }

  func take() -> Value? {
    defer { value = nil }
    return value
  }
}

/// Whether a thread has come to its end, and who wants to know.
private final class EndOfThread: Sendable {
  private let state = Mutex<(isReached: Bool, waiting: [@Sendable () -> Void])>(
    (isReached: false, waiting: []))

  /// Calls the function at the end, or now.
  func whenReached(_ body: @escaping @Sendable () -> Void) {
    let isReached = state.withLock { state in
      if !state.isReached { state.waiting.append(body) }
      return state.isReached
    }
    if isReached { body() }
  }

  func reach() {
    let waiting = state.withLock { state in
      state.isReached = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for body in waiting { body() }
  }
}
