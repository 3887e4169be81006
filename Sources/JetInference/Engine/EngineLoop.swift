import Synchronization

/// What an ``Engine``'s thread does: takes messages, makes steps, runs them, hands tokens out.
///
/// All of it, the runner's calls included, happens on one thread.
final class EngineLoop {
  /// Receives what comes of a request.
  typealias Receiver = @Sendable (Result<EngineOutput, any Error>) -> Void

  /// What other threads ask for.
  enum Message: Sendable {
    case submit(RequestID, EngineRequest, since: ContinuousClock.Instant, Receiver)
    case cancel(RequestID)
    case shutdown(cancelling: Bool)
  }

  private let runner: any EngineRunner
  private let mailbox: Mailbox<Message>
  private let board: StatisticsBoard
  private let maximumFailures: Int
  private let clock = ContinuousClock()
  private var scheduler: Scheduler
  private var requests: [RequestID: RunningRequest] = [:]
  private var statistics = EngineStatistics()
  private var failures = 0
  private var isEnding = false

  init(
    _ runner: any EngineRunner, _ options: EngineOptions, _ mailbox: Mailbox<Message>,
    _ board: StatisticsBoard
  ) throws(EngineError) {
    precondition(runner.depth >= 1, "a runner of depth \(runner.depth)")
    self.runner = runner
    self.mailbox = mailbox
    self.board = board
    maximumFailures = options.maximumFailures
    scheduler = try Scheduler(capacity: runner.capacity, options: options)
  }

  /// Works until it is shut down or the runner has failed too often.
  func run() {
    var closingError = EngineError.stopped
    while true {
      for message in scheduler.hasWork || isEnding ? mailbox.takeReady() : mailbox.take() {
        handle(message)
      }
      if isEnding, !scheduler.hasWork { break }
      let begin = clock.now
      if let error = advance() {
        closingError = error
        handle(scheduler.endAll(error))
        // What is under way is waited for, so that the slots can be closed.
        while !scheduler.started.isEmpty { _ = finish() }
        break
      }
      statistics.busySeconds += (clock.now - begin).seconds
      show()
    }
    scheduler.dropStates()
    forgetStates()
    show()
    for message in mailbox.close(closingError) {
      if case .submit(_, _, _, let receive) = message { receive(.failure(closingError)) }
    }
  }

  private func handle(_ message: Message) {
    switch message {
    case .submit(let id, let request, let since, let receive):
      guard !isEnding else { return receive(.failure(EngineError.stopped)) }
      do {
        let events = try scheduler.submit(request, id: id)
        requests[id] = RunningRequest(
          promptTokens: request.prompt.count, submitted: since, receive: receive)
        handle(events)
      } catch {
        receive(.failure(error))
      }
    case .cancel(let id):
      handle(scheduler.cancel(id))
    case .shutdown(let cancelling):
      isEnding = true
      if cancelling { handle(scheduler.endAll()) }
    }
  }

  /// Admits what fits, fills the runner's queue and finishes its oldest step.
  ///
  /// - Returns: why the engine has to stop.
  private func advance() -> EngineError? {
    admit()
    while scheduler.started.count < runner.depth, let step = scheduler.nextStep() {
      forgetStates()
      do {
        try runner.start(step)
      } catch {
        handle(scheduler.failNewest(error))
        if let error = countFailure(error) { return error }
        // Freed slots are filled before the next try.
        return nil
      }
    }
    return scheduler.started.isEmpty ? nil : finish()
  }

  private func admit() {
    while let sequence = scheduler.admitNext() {
      do {
        try runner.open(
          slot: sequence.slot, pages: sequence.pages, sampling: sequence.request.options.sampling,
          prompt: sequence.request.prompt, state: sequence.state)
        requests[sequence.id]?.admitted = clock.now
        requests[sequence.id]?.reusedTokens = sequence.reusedTokens
        statistics.reusedTokens += sequence.reusedTokens
      } catch {
        scheduler.refuse(slot: sequence.slot)
        requests.removeValue(forKey: sequence.id)?.receive(.failure(error))
      }
    }
  }

  private func forgetStates() {
    for state in scheduler.takeForgottenStates() { runner.forget(state: state) }
  }

  private func finish() -> EngineError? {
    let step = scheduler.started[0]
    do {
      let tokens = try runner.finish()
      handle(try scheduler.complete(tokens))
      statistics.steps += 1
      statistics.promptTokens += step.tokenCount - step.decoding.count
      if tokens.count < step.slots.count || tokens.contains(where: \.isToken) { failures = 0 }
      return nil
    } catch {
      handle(scheduler.failOldest(error))
      return countFailure(error)
    }
  }

  private func countFailure(_ error: any Error) -> EngineError? {
    failures += 1
    guard failures >= maximumFailures else { return nil }
    return .runnerFailed(times: failures, last: "\(error)")
  }

  private func handle(_ events: [Scheduler.Event]) {
    for event in events {
      switch event {
      case .token(let id, let token):
        statistics.generatedTokens += 1
        requests[id]?.take(token, at: clock.now)
      case .ended(let id, let reason):
        requests.removeValue(forKey: id)?.end(reason, at: clock.now)
      case .failed(let id, let error):
        requests.removeValue(forKey: id)?.receive(.failure(error))
      case .close(let slot):
        runner.close(slot: slot)
      }
    }
  }

  private func show() {
    statistics.running = scheduler.sequences.count
    statistics.waiting = scheduler.waiting.count
    statistics.pagesUsed = scheduler.pages.takenCount
    statistics.keptStates = scheduler.prefixes?.stateCount ?? 0
    board.value.withLock { $0 = statistics }
  }
}

/// Where the loop leaves its statistics for others to read.
final class StatisticsBoard: Sendable {
  let value = Mutex(EngineStatistics())
}

/// A request with its times so far.
private struct RunningRequest {
  let promptTokens: Int
  let submitted: ContinuousClock.Instant
  let receive: EngineLoop.Receiver
  var admitted: ContinuousClock.Instant?
  var reusedTokens = 0
  private var first: ContinuousClock.Instant?
  private var generatedTokens = 0

  init(
    promptTokens: Int, submitted: ContinuousClock.Instant, receive: @escaping EngineLoop.Receiver
  ) {
    self.promptTokens = promptTokens
    self.submitted = submitted
    self.receive = receive
  }

  mutating func take(_ token: Int, at now: ContinuousClock.Instant) {
    if first == nil { first = now }
    generatedTokens += 1
    receive(.success(.token(token)))
  }

  func end(_ reason: FinishReason, at now: ContinuousClock.Instant) {
    var first = first
    // A stop token that comes at once is a first token too.
    if case .stopToken = reason, first == nil { first = now }
    receive(
      .success(
        .finished(
          EngineSummary(
            finishReason: reason, promptTokens: promptTokens, reusedTokens: reusedTokens,
            generatedTokens: generatedTokens,
            queuedSeconds: ((admitted ?? now) - submitted).seconds,
            promptSeconds: first.flatMap { first in admitted.map { (first - $0).seconds } },
            generateSeconds: first.map { (now - $0).seconds }))))
  }
}
