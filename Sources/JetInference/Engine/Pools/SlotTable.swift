import JetKernels
import JetModels
import JetTensor

/// What the next step of each slot needs, on the device.
struct SlotTable {
  /// Numbers of slots, those of a type in one tensor, so that a step gathers a type at a time.
  struct Columns {
    /// int64 `[2, S]`: tokens and seeds.
    fileprivate let integers: Tensor
    /// int32 `[2, S]`: positions and top-k.
    fileprivate let smallIntegers: Tensor
    /// float32 `[3, S]`: temperatures, top-p and min-p.
    fileprivate let reals: Tensor

    /// The tokens that were chosen last.
    fileprivate var tokens: Tensor { integers.select(0, dim: 0) }
    /// Positions in the state.
    fileprivate var positions: Tensor { smallIntegers.select(0, dim: 0) }
    fileprivate var seeds: Tensor { integers.select(1, dim: 0) }
    fileprivate var topK: Tensor { smallIntegers.select(1, dim: 0) }
    fileprivate var temperature: Tensor { reals.select(0, dim: 0) }
    fileprivate var topP: Tensor { reals.select(1, dim: 0) }
    fileprivate var minP: Tensor { reals.select(2, dim: 0) }
  }

  private let all: Columns
  /// int32 `[S, M]`.
  private let pages: Tensor
  /// As many as are added to a position, of its type; a Swift number would make it a real one.
  private let one: Tensor
  private let none: Tensor
  private let device: Device

  init(slots: Int, pages: Int, device: Device) {
    let rows = slots + 1
    self.device = device
    one = Tensor.ones([1], dtype: .int32, device: device)
    none = Tensor.zeros([1], dtype: .int64, device: device)
    all = Columns(
      integers: Tensor.zeros([2, rows], dtype: .int64, device: device),
      smallIntegers: Tensor.zeros([2, rows], dtype: .int32, device: device),
      reals: Tensor.zeros([3, rows], device: device))
    all.positions.fill(-1)
    self.pages = Tensor.zeros([rows, max(1, pages)], dtype: .int32, device: device)
  }

  /// Slots as a tensor, int32 `[N]`.
  static func indices(_ slots: [Int], _ device: Device) -> Tensor {
    Tensor(slots.map(Int32.init)).uploaded(to: device)
  }

  /// A sequence begins.
  func open(slot: Int, pages own: [Int], sampling: SamplingOptions) {
    set(all.tokens, slot, Tensor(scalar: 0))
    set(all.positions, slot, Tensor(scalar: Int32(0)))
    let row = own + Array(repeating: 0, count: pages.dim(1) - own.count)
    set(pages, slot, Tensor(row.map(Int32.init)))
    set(all.temperature, slot, Tensor(scalar: sampling.temperature))
    set(all.topK, slot, Tensor(scalar: Int32(clamping: sampling.topK ?? 0)))
    set(all.topP, slot, Tensor(scalar: sampling.topP))
    set(all.minP, slot, Tensor(scalar: sampling.minP))
    set(all.seeds, slot, Tensor(scalar: Int(bitPattern: UInt(sampling.seed))))
  }

  /// The host has chosen a token.
  func setToken(of slot: Int, to token: Int) { set(all.tokens, slot, Tensor(scalar: token)) }

  /// A prompt was read.
  func setPositions(of slots: Tensor, to values: [Int]) {
    let places = [slots.to(.int64)]
    all.positions.assign(Tensor(values.map(Int32.init)).uploaded(to: device), at: places)
  }

  private func set(_ column: Tensor, _ slot: Int, _ value: Tensor) {
    column.select(slot, dim: 0).assign(value.uploaded(to: device))
  }

  /// The columns of some slots.
  func columns(_ slots: Tensor) -> Columns {
    Columns(
      integers: all.integers.rows(slots, dim: 1),
      smallIntegers: all.smallIntegers.rows(slots, dim: 1), reals: all.reals.rows(slots, dim: 1))
  }

  /// The step of some slots after their last tokens.
  func step(_ slots: Tensor, _ own: Columns) -> PooledStep {
    PooledStep(
      tokens: own.tokens, slots: slots, positions: own.positions, pages: pages.rows(slots))
  }

  /// Chooses a token for each slot from its row of float32 logits and notes it; int64 `[N]`, -1 where no logit was
  /// usable.
  ///
  /// - Parameters:
  ///   - own: the columns of the slots.
  ///   - advances: whether their positions are those before the step, which are moved on by one.
  func choose(_ slots: Tensor, _ own: Columns, _ logits: Tensor, advances: Bool) -> Tensor {
    let positions = advances ? own.positions + one : own.positions
    let ids = sampleStep(
      logits,
      SampleOptions(
        temperature: own.temperature, topK: own.topK, topP: own.topP, minP: own.minP,
        seeds: own.seeds, positions: positions))
    let places = [slots.to(.int64)]
    // What follows a token that could not be chosen is not looked at.
    all.tokens.assign(maximum(ids, none), at: places)
    if advances {
      all.positions.assign(positions, at: places)
      // Rows that nobody asked for take no part.
      all.positions.select(0, dim: 0).fill(-1)
    }
    return ids
  }
}
