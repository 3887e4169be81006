public import JetModels
public import JetTensor

/// Tokens in a row as they stand in the data, several documents among them.
public struct TokenSequence: Hashable, Sendable {
  /// What the model reads.
  public var inputs: [Int]
  /// The token after each input; -1 where the next one belongs to another document or is not known.
  public var targets: [Int]
  /// Where in ``inputs`` another text begins than the one before; ascending, 0 first.
  public var starts: [Int]

  /// A sequence with all its values.
  public init(inputs: [Int], targets: [Int], starts: [Int] = [0]) {
    self.inputs = inputs
    self.targets = targets
    self.starts = starts
  }
}

/// Sequences of one length without padding.
public struct PackedBatch {
  /// The token after each one, int64 `[B, T]`; -1 where there is none to learn.
  public let targets: Tensor
  /// int64 `[B, T]`.
  public let tokens: Tensor
  /// For each sequence, where another text begins.
  public let starts: [[Int]]

  /// A batch of sequences.
  ///
  /// - Precondition: there is one at least and all are of one length.
  public init(_ sequences: [TokenSequence], device: Device = .cpu) {
    let length = sequences[0].inputs.count
    precondition(
      sequences.allSatisfy { $0.inputs.count == length && $0.targets.count == length },
      "sequences of unequal lengths in a batch")
    let shape = [sequences.count, length]
    tokens = Tensor(sequences.flatMap(\.inputs), shape: shape).to(device)
    targets = Tensor(sequences.flatMap(\.targets), shape: shape).to(device)
    starts = sequences.map(\.starts)
  }

  /// What a model reads.
  public var input: TokenBatch { TokenBatch(tokens) }
  /// Tokens of all sequences.
  public var tokenCount: Int { tokens.count }
}
