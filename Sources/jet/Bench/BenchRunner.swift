import JetInference
import JetModels
import JetTensor

/// Times a model on random tokens.
struct BenchRunner {
  /// One row of the table.
  struct Result: Encodable {
    enum Phase: String, Encodable { case prefill, decode }

    let phase: Phase
    let batch: Int
    let depth: Int
    /// Of each sequence.
    let tokens: Int
    let tokensPerSecond: Spread
    /// Of a decode step.
    let stepSeconds: Double?
    let stepBytes: Int?
    /// Of the measured bandwidth in decode, of the measured matrix rate in prefill.
    private(set) var share: Double

    /// The same result compared with rates measured at another time.
    func compared(with rates: MachineRates, insteadOf old: MachineRates) -> Result {
      var result = self
      result.share *=
        phase == .decode
        ? old.readBytesPerSecond / rates.readBytesPerSecond
        : old.matrixOperationsPerSecond / rates.matrixOperationsPerSecond
      return result
    }
  }

  let model: HybridModel
  let chunkTokens: Int
  let repeats: Int
  let rates: MachineRates
  private var random = RandomNumbers(seed: 20_250_821)

  init(_ model: HybridModel, chunkTokens: Int, repeats: Int, rates: MachineRates) {
    self.model = model
    self.chunkTokens = chunkTokens
    self.repeats = repeats
    self.rates = rates
  }

  /// The time to read `tokens` tokens a sequence, and to generate `generated` one by one, each from a
  /// state of `depth` tokens.
  ///
  /// - Throws: `TorchError`; `CancellationError` when interrupted between runs.
  mutating func run(
    batch: Int, depth: Int, tokens: Int, generated: Int
  ) throws -> [Result] {
    let room = depth + max(tokens, generated)
    // The text before is the same for all sequences, each with memory of its own; what comes after
    // differs.
    var filled = try withTorchErrors { model.makeState(capacity: room) }
    try read(randomRows(1, depth), into: &filled)
    let start = try withTorchErrors { filled.sequences(Array(repeating: 0, count: batch)) }
    var results: [Result] = []
    if tokens > 0 { results.append(try prefill(from: start, batch, depth, tokens)) }
    if generated > 0 { results.append(try decode(from: start, batch, depth, generated)) }
    return results
  }

  private mutating func prefill(
    from start: ModelState, _ batch: Int, _ depth: Int, _ tokens: Int
  ) throws -> Result {
    let inputs = (0...repeats).map { _ in randomRows(batch, tokens) }
    let rate = try measure(from: start, inputs) { rows, state in
      try read(rows, into: &state)
    }
    let operations = model.configuration.prefillOperations(tokens: tokens, past: depth)
    return Result(
      phase: .prefill, batch: batch, depth: depth, tokens: tokens, tokensPerSecond: rate,
      stepSeconds: nil, stepBytes: nil,
      share: operations / Double(tokens) * rate.median / rates.matrixOperationsPerSecond)
  }

  private mutating func decode(
    from start: ModelState, _ batch: Int, _ depth: Int, _ tokens: Int
  ) throws -> Result {
    let inputs = (0...repeats).map { _ in randomRows(batch, tokens) }
    let rate = try measure(from: start, inputs) { rows, state in
      for index in 0..<tokens { try step(rows.map { [$0[index]] }, &state) }
    }
    // On the average a step looks back at the depth and half of what is generated.
    let traffic = model.configuration.stepTraffic(
      context: depth + (tokens + 1) / 2, sequences: batch, dtype: model.dtype)
    let seconds = Double(batch) / rate.median
    return Result(
      phase: .decode, batch: batch, depth: depth, tokens: tokens, tokensPerSecond: rate,
      stepSeconds: seconds, stepBytes: traffic.bytes,
      share: Double(traffic.bytes) / seconds / rates.readBytesPerSecond)
  }

  /// Tokens a second over the inputs, each with a state of its own; the first is to warm up.
  private func measure(
    from start: ModelState, _ inputs: [[[Int]]],
    _ body: ([[Int]], inout ModelState) throws -> Void
  ) throws -> Spread {
    var rates: [Double] = []
    for (run, rows) in inputs.enumerated() {
      if Interrupt.isRaised { throw CancellationError() }
      var state = try withTorchErrors { start.copy() }
      let seconds = try Stopwatch.seconds {
        try body(rows, &state)
        model.embedding.device.synchronize()
      }
      if run > 0 { rates.append(Double(rows.count * rows[0].count) / seconds) }
    }
    return Spread(rates)
  }

  /// Reads rows of equal length in pieces, with the logits of the last token.
  private func read(_ rows: [[Int]], into state: inout ModelState) throws {
    let length = rows[0].count
    for start in stride(from: 0, to: length, by: chunkTokens) {
      if Interrupt.isRaised { throw CancellationError() }
      let end = min(start + chunkTokens, length)
      try withTorchErrors {
        withoutGradients {
          let batch = TokenBatch(
            rows.map { Array($0[start..<end]) }, device: model.embedding.device)
          let hidden = model(batch, state: &state)
          if end == length { _ = model.logits(model.lastTokens(hidden, batch)) }
        }
      }
    }
  }

  private func step(_ rows: [[Int]], _ state: inout ModelState) throws {
    try withTorchErrors {
      withoutGradients {
        let batch = TokenBatch(rows, device: model.embedding.device)
        _ = model.logits(model(batch, state: &state))
      }
    }
  }

  private mutating func randomRows(_ count: Int, _ length: Int) -> [[Int]] {
    (0..<count).map { _ in
      (0..<length).map { _ in
        Int.random(in: 0..<model.configuration.vocabularySize, using: &random)
      }
    }
  }
}
