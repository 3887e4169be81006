import JetInference
import JetModels
import JetTensor

/// Sequences read in given pieces, with the logits of each position kept.
struct LogitsRun {
  /// The tokens of each sequence.
  let rows: [[Int]]
  /// Tokens of each piece; together the longest row.
  let pieces: [Int]

  /// The longest row.
  var length: Int { rows.map(\.count).max() ?? 0 }

  /// Checks tokens and pieces against a model's shape.
  ///
  /// - Parameter pieces: nil for one piece.
  /// - Throws: ``CommandError``, `GenerationError` or `HybridSequenceError`, one sentence each.
  init(rows: [[Int]], pieces: [Int]?, _ configuration: ModelConfiguration) throws {
    self.rows = rows
    let length = rows.map(\.count).max() ?? 0
    self.pieces = pieces ?? [length]
    guard length > 0 else { throw GenerationError.emptyPrompt }
    guard length <= configuration.maximumPositions else {
      throw HybridSequenceError.contextTooLong(
        asked: length, available: configuration.maximumPositions)
    }
    if let token = rows.joined().first(where: { !(0..<configuration.vocabularySize).contains($0) })
    {
      throw GenerationError.tokenOutOfRange(
        token: token, vocabularySize: configuration.vocabularySize)
    }
    if let piece = self.pieces.first(where: { !(1...length).contains($0) }) {
      throw CommandError("A piece has \(piece) tokens; give pieces of 1 to \(length).")
    }
    let sum = self.pieces.reduce(0, +)
    guard sum == length else {
      throw CommandError(
        "The pieces have \(sum) tokens together and the longest sequence has \(length); give pieces "
          + "that sum to \(length).")
    }
  }

  /// Float32 logits `[B, T, V]`; zeros where a row has no token.
  ///
  /// - Throws: `TorchError`; `CancellationError` when interrupted between pieces.
  func logits(
    _ model: HybridModel, isCancelled: () -> Bool = { Interrupt.isRaised }
  ) throws -> Tensor {
    try withTorchErrors {
      try withoutGradients {
        let out = Tensor.zeros([rows.count, length, model.configuration.vocabularySize])
        var state = model.makeState(sequences: rows.count, capacity: length)
        var start = 0
        for piece in pieces {
          if isCancelled() { throw CancellationError() }
          let tokens = rows.map { Array($0.dropFirst(start).prefix(piece)) }
          let batch = TokenBatch(tokens, device: model.embedding.device)
          let logits = model.logits(model(batch, state: &state)).to(.cpu)
          for (row, own) in tokens.enumerated() where !own.isEmpty {
            out.select(row, dim: 0).slice(start..<start + own.count, dim: 0)
              .assign(logits.select(row, dim: 0).slice(0..<own.count, dim: 0))
          }
          start += piece
        }
        return out
      }
    }
  }
}
