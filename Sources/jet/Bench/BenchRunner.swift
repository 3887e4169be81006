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
    /// Of the bandwidth in decode, of the matrix rate in prefill, each measured before and after every run.
    let share: Spread
  }

  /// How the state of the tokens before is made.
  enum Fill: String, CaseIterable {
    /// By reading random tokens.
    case read
    /// By random numbers, as if tokens had been read.
    case random
  }

  let model: HybridModel
  let chunkTokens: Int
  let repeats: Int
  let fill: Fill
  /// What the machine did between the runs.
  private(set) var machine: [MachineRate: [Double]] = [:]
  private var random = RandomNumbers(seed: 20_250_821)

  init(_ model: HybridModel, chunkTokens: Int, repeats: Int, fill: Fill) {
    self.model = model
    self.chunkTokens = chunkTokens
    self.repeats = repeats
    self.fill = fill
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
    switch fill {
    case .read: try read(randomRows(1, depth), into: &filled)
    case .random:
      try withTorchErrors { filled.fillRandomly(tokens: depth, generator: Generator(seed: 1)) }
    }
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
    let runs = try measure(from: start, inputs, against: .multiplying) { rows, state in
      try read(rows, into: &state)
    }
    machine[.multiplying, default: []] += runs.map(\.machineRate)
    let operations = model.configuration.prefillOperations(tokens: tokens, past: depth)
    let perToken = operations / Double(tokens)
    return Result(
      phase: .prefill, batch: batch, depth: depth, tokens: tokens,
      tokensPerSecond: Spread(runs.map(\.tokensPerSecond)), stepSeconds: nil, stepBytes: nil,
      share: Spread(runs.map { perToken * $0.tokensPerSecond / $0.machineRate }))
  }

  private mutating func decode(
    from start: ModelState, _ batch: Int, _ depth: Int, _ tokens: Int
  ) throws -> Result {
    let inputs = (0...repeats).map { _ in randomRows(batch, tokens) }
    let runs = try measure(from: start, inputs, against: .reading) { rows, state in
      for index in 0..<tokens { try step(rows.map { [$0[index]] }, &state) }
    }
    machine[.reading, default: []] += runs.map(\.machineRate)
    // On the average a step looks back at the depth and half of what is generated.
    let traffic = model.configuration.stepTraffic(
      context: depth + (tokens + 1) / 2, sequences: batch, dtype: model.dtype)
    let rate = Spread(runs.map(\.tokensPerSecond))
    let bytesPerToken = Double(traffic.bytes) / Double(batch)
    return Result(
      phase: .decode, batch: batch, depth: depth, tokens: tokens, tokensPerSecond: rate,
      stepSeconds: Double(batch) / rate.median, stepBytes: traffic.bytes,
      share: Spread(runs.map { bytesPerToken * $0.tokensPerSecond / $0.machineRate }))
  }

  /// One timed run, and what the machine could do around it.
  private struct Run {
    let tokensPerSecond: Double
    let machineRate: Double
  }

  /// Runs over the inputs, each with a state of its own; the first is to warm up.
  private func measure(
    from start: ModelState, _ inputs: [[[Int]]], against kind: MachineRate,
    _ body: ([[Int]], inout ModelState) throws -> Void
  ) throws -> [Run] {
    let device = model.embedding.device
    var runs: [Run] = []
    var before = 0.0
    for (index, rows) in inputs.enumerated() {
      if Interrupt.isRaised { throw CancellationError() }
      var state = try withTorchErrors { start.copy() }
      let seconds = try Stopwatch.seconds {
        try body(rows, &state)
        device.synchronize()
      }
      let after = try kind.measured(on: device, dtype: model.dtype)
      if index > 0 {
        runs.append(
          Run(
            tokensPerSecond: Double(rows.count * rows[0].count) / seconds,
            machineRate: (before + after) / 2))
      }
      before = after
    }
    return runs
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
