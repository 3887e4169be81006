import JetKernels
import JetModels
import JetTensor

/// What the next step of each slot needs, on the device: a row a slot.
struct SlotTable {
  /// int64 `[S]`: the token that was chosen last.
  private let tokens: Tensor
  /// int32 `[S]`: positions in the state.
  private let positions: Tensor
  /// int32 `[S, M]`.
  private let pages: Tensor
  private let temperature: Tensor
  private let topK: Tensor
  private let topP: Tensor
  private let minP: Tensor
  private let seeds: Tensor
  /// As many as are added to a position, of its type; a Swift number would make it a real one.
  private let one: Tensor
  private let none: Tensor
  private let device: Device

  init(slots: Int, pages: Int, device: Device) {
    let rows = slots + 1
    self.device = device
    one = Tensor.ones([1], dtype: .int32, device: device)
    none = Tensor.zeros([1], dtype: .int64, device: device)
    tokens = Tensor.zeros([rows], dtype: .int64, device: device)
    positions = Tensor.full([rows], -1, dtype: .int32, device: device)
    self.pages = Tensor.zeros([rows, max(1, pages)], dtype: .int32, device: device)
    temperature = Tensor.zeros([rows], device: device)
    topK = Tensor.zeros([rows], dtype: .int32, device: device)
    topP = Tensor.ones([rows], device: device)
    minP = Tensor.zeros([rows], device: device)
    seeds = Tensor.zeros([rows], dtype: .int64, device: device)
  }

  /// Slots as a tensor, int32 `[N]`.
  static func indices(_ slots: [Int], _ device: Device) -> Tensor {
    Tensor(slots.map(Int32.init)).uploaded(to: device)
  }

  /// A sequence begins.
  func open(slot: Int, pages own: [Int], sampling: SamplingOptions) {
    set(tokens, slot, Tensor(scalar: 0))
    set(positions, slot, Tensor(scalar: Int32(0)))
    let row = own + Array(repeating: 0, count: pages.dim(1) - own.count)
    set(pages, slot, Tensor(row.map(Int32.init)))
    set(temperature, slot, Tensor(scalar: sampling.temperature))
    set(topK, slot, Tensor(scalar: Int32(clamping: sampling.topK ?? 0)))
    set(topP, slot, Tensor(scalar: sampling.topP))
    set(minP, slot, Tensor(scalar: sampling.minP))
    set(seeds, slot, Tensor(scalar: Int(bitPattern: UInt(sampling.seed))))
  }

  /// The host has chosen a token.
  func setToken(of slot: Int, to token: Int) { set(tokens, slot, Tensor(scalar: token)) }

  /// A prompt was read.
  func setPositions(of slots: Tensor, to values: [Int]) {
    positions.assign(Tensor(values.map(Int32.init)).uploaded(to: device), at: [slots.to(.int64)])
  }

  private func set(_ column: Tensor, _ slot: Int, _ value: Tensor) {
    column.select(slot, dim: 0).assign(value.uploaded(to: device))
  }

  /// The step of some slots after their last tokens.
  func step(_ slots: Tensor) -> PooledStep {
    PooledStep(
      tokens: tokens.rows(slots), slots: slots, positions: positions.rows(slots),
      pages: pages.rows(slots))
  }

  /// Chooses a token for each slot from its row of float32 logits and notes it; int64 `[N]`, -1 where no logit was
  /// usable.
  ///
  /// - Parameter before: the positions before the step, which are moved on by one; nil where they are set by
  ///   ``setPositions(of:to:)``.
  func choose(_ slots: Tensor, _ logits: Tensor, advancing before: Tensor?) -> Tensor {
    let ids = sampleStep(
      logits,
      SampleOptions(
        temperature: temperature.rows(slots), topK: topK.rows(slots), topP: topP.rows(slots),
        minP: minP.rows(slots), seeds: seeds.rows(slots),
        positions: before.map { $0 + one } ?? positions.rows(slots)))
    let places = slots.to(.int64)
    // What follows a token that could not be chosen is not looked at.
    tokens.assign(maximum(ids, none), at: [places])
    if let before {
      positions.assign(before + one, at: [places])
      // Rows that nobody asked for take no part.
      positions.select(0, dim: 0).fill(-1)
    }
    return ids
  }
}
