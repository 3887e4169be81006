import Foundation
public import JetTensor

/// How each sequence's next token is chosen; one number a sequence.
public struct SampleOptions {
  /// Divides the logits, float32 `[N]`; 0 takes the most likely token.
  public var temperature: Tensor
  /// Keeps this many of the most likely tokens, int32 `[N]`; 0 keeps all.
  public var topK: Tensor
  /// Keeps the fewest most likely tokens that reach this sum of probabilities, float32 `[N]`; 1 keeps all.
  public var topP: Tensor
  /// Keeps tokens at least this fraction as likely as the most likely one, float32 `[N]`; 0 keeps all.
  public var minP: Tensor
  /// Names a sequence's random numbers, int64 `[N]`.
  public var seeds: Tensor
  /// Says which of them, int32 `[N]`.
  public var positions: Tensor

  /// Options as they are.
  public init(
    temperature: Tensor, topK: Tensor, topP: Tensor, minP: Tensor, seeds: Tensor, positions: Tensor
  ) {
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.minP = minP
    self.seeds = seeds
    self.positions = positions
  }

  var all: [(Tensor, DType)] {
    [
      (temperature, .float32), (topK, .int32), (topP, .float32), (minP, .float32),
      (seeds, .int64), (positions, .int32),
    ]
  }
}

/// The random number of a seed at a position: a multiple of 2⁻⁵³, from 0 up to but not including 1.
///
/// The 53 high bits of `mix(mix(seed + γ) + γ (position + 1))` modulo 2⁶⁴, with γ = 0x9e3779b97f4a7c15 and `mix` the
/// finalizer of splitmix64: the numbers of one seed are those of that generator started at `mix(seed + γ)`.
///
/// - Source: Blackman and Vigna, `splitmix64.c`, prng.di.unimi.it.
public func sampleUnit(seed: Int, position: Int) -> Double {
  func mix(_ x: UInt64) -> UInt64 {
    let once = (x ^ (x >> 30)) &* 0xbf58_476d_1ce4_e5b9
    let twice = (once ^ (once >> 27)) &* 0x94d0_49bb_1331_11eb
    return twice ^ (twice >> 31)
  }
  let gamma: UInt64 = 0x9e37_79b9_7f4a_7c15
  let start = mix(UInt64(bitPattern: Int64(seed)) &+ gamma)
  let after = UInt64(bitPattern: Int64(position)) &+ 1
  return Double(mix(start &+ gamma &* after) >> 11) * 0x1p-53
}

/// Chooses a token for each row of logits, by definition.
///
/// In this order: temperature; top-k, of equal logits those of the lowest ids; top-p, of the probabilities that top-k left;
/// min-p, of the greatest probability; then the first id at which the probabilities of the ids up to it that are left exceed
/// ``sampleUnit(seed:position:)`` of their sum. Temperature 0 takes the greatest logit, of equal ones that of the lowest id.
///
/// - Parameter logits: float32 `[N, V]`; -inf excludes a token.
/// - Returns: int64 `[N]` on the device of `logits`; -1 for a row with NaN or +inf, of -inf alone, or with a temperature that
///   is NaN or below 0.
public func sampleStepDefinition(_ logits: Tensor, _ options: SampleOptions) -> Tensor {
  let width = logits.dim(1)
  let numbers = logits.array(of: Float.self)
  let temperature = options.temperature.array(of: Float.self)
  let topK = options.topK.array(of: Int.self)
  let topP = options.topP.array(of: Float.self)
  let minP = options.minP.array(of: Float.self)
  let seeds = options.seeds.array(of: Int.self)
  let positions = options.positions.array(of: Int.self)
  let ids = temperature.indices.map { row in
    chosen(
      numbers[row * width..<(row + 1) * width], temperature: temperature[row], topK: topK[row],
      topP: topP[row], minP: minP[row],
      unit: sampleUnit(seed: seeds[row], position: positions[row]))
  }
  return Tensor(ids).to(logits.device)
}

private func chosen(
  _ row: ArraySlice<Float>, temperature: Float, topK: Int, topP: Float, minP: Float, unit: Double
) -> Int {
  let logits = Array(row)
  guard temperature >= 0, logits.allSatisfy({ $0 < .infinity }) else { return -1 }
  guard let most = logits.max(), most > -.infinity, let greedy = logits.firstIndex(of: most) else {
    return -1
  }
  if temperature == 0 { return greedy }
  func distance(_ id: Int) -> Double {
    (Double(most) - Double(logits[id])) / Double(temperature)
  }
  func weight(_ id: Int) -> Double { exp(-distance(id)) }
  var kept = logits.indices.filter { logits[$0] > -.infinity }
  if topK > 0 || topP < 1 {
    kept.sort { logits[$0] > logits[$1] || (logits[$0] == logits[$1] && $0 < $1) }
  }
  if topK > 0, topK < kept.count { kept.removeSubrange(topK...) }
  if topP < 1 {
    let target = Double(topP) * kept.reduce(0) { $0 + weight($1) }
    var reached = 0.0
    if let last = kept.firstIndex(where: { id in
      reached += weight(id)
      return reached >= target
    }) {
      kept.removeSubrange((last + 1)...)
    }
  }
  if minP > 0 {
    let farthest = -log(Double(minP))
    kept.removeAll { distance($0) > farthest }
  }
  kept.sort()
  let target = unit * kept.reduce(0) { $0 + weight($1) }
  var (reached, choice) = (0.0, greedy)
  for id in kept where weight(id) > 0 {
    choice = id
    reached += weight(id)
    if reached > target { break }
  }
  return choice
}

/// Chooses a token for each row of logits in the fastest form that fits; see ``sampleStepDefinition(_:_:)``.
public func sampleStep(_ logits: Tensor, _ options: SampleOptions) -> Tensor {
  let fits =
    FastForm.appliesOnGPU(to: logits) && logits.dtype == .float32 && logits.strides.last == 1
    && logits.dim(0) <= 65535
    && options.all.allSatisfy {
      !$0.isFailed && $0.device == logits.device && $0.dtype == $1 && $0.isContiguous
    }
  guard fits else { return sampleStepDefinition(logits, options) }
  return Kernels.sampleStep(
    .tensor(logits), .tensor(options.temperature), .tensor(options.topK), .tensor(options.topP),
    .tensor(options.minP), .tensor(options.seeds), .tensor(options.positions))
}
