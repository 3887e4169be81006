import JetKernels
public import JetTensor

/// A piece of tokens for several sequences, each somewhere in its own text.
public struct TokenBatch {
  /// int64 `[B, T]`; what stands behind a sequence's own tokens is padding.
  public let tokens: Tensor
  /// How many tokens of each row are real.
  public let counts: [Int]

  /// Rows of tokens; shorter ones are padded at their ends with token 0.
  public init(_ rows: [[Int]], device: Device = .cpu) {
    let length = rows.map(\.count).max() ?? 0
    let padded = rows.flatMap { $0 + Array(repeating: 0, count: length - $0.count) }
    tokens = Tensor(padded, shape: [rows.count, length]).to(device)
    counts = rows.map(\.count)
  }

  /// A tensor int64 `[B, T]` all of whose tokens are real.
  public init(_ tokens: Tensor) {
    self.tokens = tokens
    counts = Array(repeating: tokens.dim(1), count: tokens.dim(0))
  }

  /// How many sequences there are.
  public var sequences: Int { counts.count }
  /// The longest row, in tokens.
  public var length: Int { tokens.dim(1) }
  /// Whether rows are padded.
  public var isPadded: Bool { counts.contains { $0 != length } }
}

/// What the layers of one forward pass share: where each token stands, and its angles.
public struct ForwardContext {
  /// Tokens of each sequence before this piece.
  let starts: [Int]
  let counts: [Int]
  let length: Int
  let device: Device
  /// Where the tokens stand when layers hand them on without padding, `[1, ΣT, D]`; nil where they come as `[B, T, D]`.
  private let packing: TokenPacking?
  private let rotary: RotaryConfiguration
  private let cache: Cache

  init(starts: [Int], batch: TokenBatch, rotary: RotaryConfiguration) {
    self.starts = starts
    counts = batch.counts
    length = batch.length
    device = batch.tokens.device
    packing = nil
    self.rotary = rotary
    cache = Cache()
  }

  /// Of packed rows that begin at the same position.
  init(start: Int, counts: [Int], device: Device, rotary: RotaryConfiguration) {
    starts = counts.map { _ in start }
    (self.counts, self.device) = (counts, device)
    length = counts.max() ?? 0
    packing = counts.count > 1 ? TokenPacking(counts, device: device) : nil
    self.rotary = rotary
    cache = Cache()
  }

  var sequences: Int { counts.count }
  var isPadded: Bool { counts.contains { $0 != length } }
  /// Whether all sequences stand at the same place and none is padded.
  var isUniform: Bool { !isPadded && starts.allSatisfy { $0 == starts.first } }
  /// ``counts`` where there is padding; nil where all tokens are real.
  var paddedCounts: [Int]? { isPadded ? counts : nil }

  /// The tokens as a batch, `[B, T, …]`: what mixes tokens takes.
  func spread(_ x: Tensor) -> Tensor { packing?.spread(x) ?? x }

  /// A batch as layers hand it on.
  func packed(_ x: Tensor) -> Tensor { packing?.packed(x) ?? x }

  /// The angles of all positions for heads of `headWidth` channels; by the model's configuration unless another is given.
  func angles(headWidth: Int, by own: RotaryConfiguration? = nil) -> RotaryAngles {
    let key = Cache.Angles(headWidth: headWidth, configuration: own ?? rotary)
    if let found = cache.angles[key] { return found }
    // The kernel of the CPU reads a row for each sequence; elsewhere one row is broadcast over equal ones.
    let isShared = device != .cpu && starts.allSatisfy { $0 == starts.first }
    let rows = isShared ? Array(starts.prefix(1)) : starts
    let positions = rows.map { start in (0..<length).map { start + $0 } }
    let made = RotaryAngles(
      positions: positions, headWidth: headWidth, configuration: key.configuration, device: device)
    cache.angles[key] = made
    return made
  }

  /// Of one token a sequence, for states in which row n of a batch is slot n and page n: int32 slots `[B]`, pages `[B, 1]`
  /// and positions `[B]`.
  var places: (slots: Tensor, pages: Tensor, positions: Tensor) {
    if let found = cache.places { return found }
    let slots = Tensor((0..<sequences).map(Int32.init))
    let made = (slots, slots.unsqueezed(1), Tensor(starts.map(Int32.init)))
    cache.places = made
    return made
  }

  /// int64 `[B, T]`: the position of each token.
  var queryPositions: Tensor {
    Tensor(starts.flatMap { start in (0..<length).map { start + $0 } }, shape: [sequences, length])
      .to(device)
  }

  /// `x` `[B, T, …]` with zeros for padding; `x` itself where all tokens are real.
  func clearingPadding(_ x: Tensor) -> Tensor {
    guard isPadded else { return x }
    let ones = Array(repeating: 1, count: x.rank - 2)
    return x * presence.reshaped([sequences, length] + ones).to(x.dtype)
  }

  /// 1 for tokens and 0 for padding, float32 `[B, T]`.
  private var presence: Tensor {
    if let found = cache.presence { return found }
    let flags = counts.flatMap { count in (0..<length).map { $0 < count ? Float(1) : 0 } }
    let made = Tensor(flags, shape: [sequences, length]).to(device)
    cache.presence = made
    return made
  }

  /// What several layers ask for.
  private final class Cache {
    struct Angles: Hashable {
      let headWidth: Int
      let configuration: RotaryConfiguration
    }

    var angles: [Angles: RotaryAngles] = [:]
    var presence: Tensor?
    var places: (slots: Tensor, pages: Tensor, positions: Tensor)?
  }
}
