extension Scheduler {
  /// Makes the next step, which counts as started.
  ///
  /// - Returns: nil where nothing can be done before a started step is finished or a request comes.
  mutating func nextStep() -> EngineStep? {
    var step = EngineStep(decoding: order.filter(canDecode))
    var tokens = options.stepTokens(capacity) - step.decoding.count
    for slot in order where tokens > 0 {
      guard var piece = nextPiece(slot), piece.tokens.count <= tokens else { continue }
      piece.state = keepState(after: piece)
      step.pieces.append(piece)
      tokens -= piece.tokens.count
    }
    guard !step.slots.isEmpty else { return nil }
    note(step)
    return step
  }

  /// Takes in what the oldest step gave.
  ///
  /// - Throws: ``EngineError/brokenRunner(_:)`` when it is not what the step asked for; then the
  ///   step is still to be failed.
  mutating func complete(_ tokens: [SlotToken]) throws(EngineError) -> [Event] {
    guard let step = started.first else { throw .brokenRunner("it finished what was not started") }
    try check(tokens, of: step)
    started.removeFirst()
    var events: [Event] = []
    settleStates(of: step, failed: Set(tokens.filter { !$0.isToken }.map(\.slot)))
    for slot in step.slots { sequences[slot]?.steps -= 1 }
    for token in tokens { events += take(token) }
    for slot in step.slots { events += closeIfUnused(slot) }
    return events
  }

  /// Ends all that took part in the oldest started step.
  mutating func failOldest(_ error: any Error) -> [Event] {
    precondition(!started.isEmpty, "no step is started")
    return fail(started.removeFirst(), error)
  }

  /// Ends all that were to take part in the newest step.
  mutating func failNewest(_ error: any Error) -> [Event] {
    precondition(!started.isEmpty, "no step is started")
    return fail(started.removeLast(), error)
  }

  private mutating func fail(_ step: EngineStep, _ error: any Error) -> [Event] {
    dropStates(of: step)
    var events: [Event] = []
    for slot in step.slots {
      sequences[slot]?.steps -= 1
      if let sequence = sequences[slot], !sequence.isOver {
        events.append(.failed(id: sequence.id, error: error))
      }
      events += end(slot: slot)
    }
    return events
  }

  private func canDecode(_ slot: Int) -> Bool {
    guard let sequence = sequences[slot] else { return false }
    // The last chosen token needs a position of its own to be read.
    return !sequence.isOver && sequence.chosenTokens > 0
      && sequence.chosenTokens < sequence.request.options.maximumTokens
      && sequence.request.prompt.count + sequence.chosenTokens <= capacity.maximumPositions
  }

  private func nextPiece(_ slot: Int) -> PromptPiece? {
    guard let sequence = sequences[slot], !sequence.isOver else { return nil }
    let (prompt, start) = (sequence.request.prompt, sequence.readTokens)
    guard start < prompt.count else { return nil }
    let whole = (start / options.chunkTokens + 1) * options.chunkTokens
    let cut = prefixes?.cut(sequence.path, after: start) ?? .max
    let end = min(whole, prompt.count, cut)
    return PromptPiece(
      slot: slot, tokens: Array(prompt[start..<end]), start: start, isLast: end == prompt.count)
  }

  private mutating func note(_ step: EngineStep) {
    for piece in step.pieces {
      guard let sequence = sequences[piece.slot] else { continue }
      let end = piece.start + piece.tokens.count
      prefixes?.read(sequence.path, piece.start..<end)
      sequences[piece.slot]?.readTokens = end
    }
    for slot in step.choosing { sequences[slot]?.chosenTokens += 1 }
    for slot in step.slots { sequences[slot]?.steps += 1 }
    started.append(step)
  }

  private func check(_ tokens: [SlotToken], of step: EngineStep) throws(EngineError) {
    let (slots, choosing) = (Set(step.slots), Set(step.choosing))
    var given: Set<Int> = []
    for token in tokens {
      guard slots.contains(token.slot), given.insert(token.slot).inserted else {
        throw .brokenRunner("slot \(token.slot) was given out of turn")
      }
      guard case .success(let chosen) = token.outcome else { continue }
      guard choosing.contains(token.slot) else {
        throw .brokenRunner("a token was chosen for slot \(token.slot) before its prompt's end")
      }
      guard (0..<capacity.vocabularySize).contains(chosen) else {
        throw .brokenRunner("the token \(chosen) is not in the vocabulary")
      }
    }
    if let missing = choosing.subtracting(given).min() {
      throw .brokenRunner("no token was given for slot \(missing)")
    }
  }

  private mutating func take(_ token: SlotToken) -> [Event] {
    guard var sequence = sequences[token.slot], !sequence.isOver else { return [] }
    defer { sequences[token.slot] = sequence }
    let options = sequence.request.options
    switch token.outcome {
    case .failure(let error):
      sequence.isOver = true
      return [.failed(id: sequence.id, error: error)]
    case .success(let chosen):
      if !options.ignoresStopTokens, options.stopTokens.contains(chosen) {
        sequence.isOver = true
        return [.ended(id: sequence.id, reason: .stopToken(chosen))]
      }
      sequence.generatedTokens += 1
      var events: [Event] = [.token(id: sequence.id, token: chosen)]
      if sequence.generatedTokens >= options.maximumTokens {
        sequence.isOver = true
        events.append(.ended(id: sequence.id, reason: .length))
      } else if sequence.request.prompt.count + sequence.generatedTokens
        > capacity.maximumPositions
      {
        sequence.isOver = true
        events.append(.ended(id: sequence.id, reason: .contextFull))
      }
      return events
    }
  }
}
