public import JetTensor

/// The tokens of some shards in a shuffled order that goes on for ever, each token once an epoch.
///
/// Shards are cut into blocks, the blocks of an epoch are put into an order that seed and epoch decide, and sequences
/// take the next tokens of that order whatever their length: so lengths may change at any time, and a position that was
/// saved goes on with the very next token.
public struct TokenStream {
  /// A place in the order.
  public struct Position: Codable, Hashable, Sendable {
    /// How often all blocks were read.
    public var epoch = 0
    /// The place of the block in the epoch's order.
    public var block = 0
    /// Tokens of the block that were read.
    public var offset = 0
    /// Tokens that were read since the beginning.
    public var tokens = 0

    /// The beginning.
    public init() {}
  }

  private struct Block {
    let shard: Int
    let range: Range<Int>
  }

  /// The next token's place.
  public private(set) var position: Position
  /// Tokens of a block; the last one of a shard may have fewer.
  public let blockLength: Int
  /// Decides the order.
  public let seed: UInt64
  /// Tokens of all shards.
  public let tokenCount: Int
  /// Every token is below this.
  public let vocabularySize: Int
  private let shards: [TokenShard]
  private let blocks: [Block]
  private var order: [Int]

  /// A stream over shards that one tokenizer made.
  ///
  /// - Parameters:
  ///   - shards: at least one.
  ///   - blockLength: best the longest sequence that will be asked for, so that none holds a join of blocks.
  ///   - seed: decides the order.
  ///   - position: where to go on.
  /// - Throws: ``TrainingError`` when shards disagree or hold nothing, or the position is not of them.
  public init(
    _ shards: [TokenShard], blockLength: Int, seed: UInt64, position: Position = Position()
  ) throws {
    guard let first = shards.first?.header, shards.contains(where: { $0.count > 0 }) else {
      throw TrainingError("there are no tokens to train on; make token shards from text first")
    }
    for shard in shards {
      let header = shard.header
      guard header.vocabularySize == first.vocabularySize, header.endToken == first.endToken,
        header.fingerprint == first.fingerprint
      else {
        throw TrainingError(
          "\(shard.path) was made by another tokenizer than \(shards[0].path); make both again")
      }
    }
    guard blockLength >= 1 else {
      throw TrainingError("blocks of \(blockLength) tokens were asked for; expected 1 at least")
    }
    self.shards = shards
    self.blockLength = blockLength
    self.seed = seed
    self.position = position
    vocabularySize = first.vocabularySize
    tokenCount = shards.reduce(0) { $0 + $1.count }
    blocks = shards.enumerated().flatMap { index, shard in
      stride(from: 0, to: shard.count, by: blockLength).map { start in
        Block(shard: index, range: start..<min(start + blockLength, shard.count))
      }
    }
    order = []
    guard position.epoch >= 0, blocks.indices.contains(position.block) else {
      throw TrainingError(
        "the data position, block \(position.block), is not of these \(blocks.count) blocks; "
          + "resume with the data that the run began with")
    }
    order = Self.order(blocks.count, seed: seed, epoch: position.epoch)
    let range = blocks[order[position.block]].range
    guard (0..<range.count).contains(position.offset) else {
      throw TrainingError(
        "the data position, token \(position.offset) of a block of \(range.count), does not exist; "
          + "resume with the data that the run began with")
    }
  }

  /// The next sequence.
  ///
  /// - Throws: ``TrainingError`` for a token that is not of the vocabulary.
  public mutating func next(length: Int) throws -> TokenSequence {
    precondition(length >= 1, "a sequence of \(length) tokens")
    var sequence = TokenSequence(inputs: [], targets: [], starts: [])
    while sequence.inputs.count < length {
      let block = blocks[order[position.block]]
      let start = block.range.lowerBound + position.offset
      let end = min(block.range.upperBound, start + length - sequence.inputs.count)
      try append(block.shard, start..<end, to: &sequence)
      advance(end - start, in: block)
    }
    return sequence
  }

  /// The next sequences, as a batch.
  ///
  /// - Throws: ``TrainingError`` for a token that is not of the vocabulary.
  public mutating func batch(
    sequences: Int, length: Int, device: Device = .cpu
  ) throws -> PackedBatch {
    var made: [TokenSequence] = []
    for _ in 0..<sequences { made.append(try next(length: length)) }
    return PackedBatch(made, device: device)
  }

  private func append(_ shard: Int, _ range: Range<Int>, to sequence: inout TokenSequence) throws {
    let (shard, end) = (shards[shard], shards[shard].header.endToken)
    // The token after the last one is its target.
    let known = range.lowerBound..<min(range.upperBound + 1, shard.count)
    let tokens = try shard.tokens(in: known)
    for i in range.indices.map({ $0 - range.lowerBound }) {
      let isStart = i == 0 ? true : tokens[i - 1] == end
      if isStart { sequence.starts.append(sequence.inputs.count) }
      sequence.inputs.append(tokens[i])
      let isLast = tokens[i] == end || i + 1 == tokens.count
      sequence.targets.append(isLast ? -1 : tokens[i + 1])
    }
  }

  private mutating func advance(_ count: Int, in block: Block) {
    position.offset += count
    position.tokens += count
    guard position.offset == block.range.count else { return }
    position.offset = 0
    position.block += 1
    guard position.block == blocks.count else { return }
    position.block = 0
    position.epoch += 1
    order = Self.order(blocks.count, seed: seed, epoch: position.epoch)
  }

  private static func order(_ count: Int, seed: UInt64, epoch: Int) -> [Int] {
    var mixer = SplitMix64(seed: seed)
    var generator = SplitMix64(seed: mixer.next() &+ UInt64(epoch))
    return generator.order(of: count)
  }
}
