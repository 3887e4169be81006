import JetKernels
import JetTensor

/// The sizes of one step of a linear recurrence on a pool, and its inputs.
struct RecurrentStepCase: CustomStringConvertible {
  /// Which rule, and what it takes; named after who uses it.
  enum Kind: String, CaseIterable {
    case retNet, gla, mamba2, deltaNet, gatedDeltaNet, rwkv7
  }

  var kind: Kind
  var rows: Int
  var heads: Int
  var keyWidth: Int
  var valueWidth: Int
  var keyHeads: Int
  var slots: Int
  var dtype = DType.float32

  init(
    _ kind: Kind, _ rows: Int, _ heads: Int, _ keyWidth: Int, _ valueWidth: Int,
    keyHeads: Int? = nil
  ) {
    (self.kind, self.rows, self.heads) = (kind, rows, heads)
    (self.keyWidth, self.valueWidth) = (keyWidth, valueWidth)
    self.keyHeads = keyHeads ?? heads
    slots = rows + 3
  }

  var description: String {
    "\(kind.rawValue) \(dtype) \(rows)×\(heads)×(\(keyWidth), \(valueWidth))"
      + (keyHeads == heads ? "" : ", \(keyHeads) key heads")
  }

  /// Widths on both sides of each width that the kernel is compiled for, and that are multiples of nothing.
  static func all(_ kind: Kind) -> [RecurrentStepCase] {
    let sizes = [
      (1, 1, 1, 1), (3, 2, 16, 16), (5, 3, 24, 40), (2, 2, 32, 64), (7, 5, 33, 65), (2, 2, 63, 64),
      (64, 4, 64, 64), (2, 3, 65, 132), (130, 12, 96, 256), (2, 2, 97, 130), (8, 6, 128, 64),
      (17, 1, 100, 200), (33, 2, 129, 72), (4, 2, 192, 96), (2, 9, 250, 251), (3, 2, 256, 256),
      (1, 3, 257, 512), (2, 1, 512, 1001),
    ]
    let shared = (kind == .mamba2 ? [1, 3] : []).map {
      RecurrentStepCase(kind, 9, 6, 128, 64, keyHeads: $0)
    }
    return sizes.map { RecurrentStepCase(kind, $0.0, $0.1, $0.2, $0.3) } + shared
  }

  /// What the operator takes; the memory is changed.
  struct Inputs {
    var query: Tensor
    var key: Tensor
    var value: Tensor
    var rule: RecurrentStepRule
    var scale: Double
    var memory: Tensor
    var slots: Tensor

    /// With a pool of its own.
    var copy: Inputs {
      var copy = self
      copy.memory = memory.clone()
      return copy
    }

    func run() -> Tensor {
      recurrentStep(
        query: query, key: key, value: value, rule: rule, scale: scale, memory: memory,
        slots: slots)
    }
  }

  /// Random numbers of the sizes that a model has, rows cut out of wider ones; slots in an order without pattern.
  func inputs(_ device: Device) -> Inputs {
    let generator = Generator(seed: 7, device: device)
    func normal(_ shape: [Int]) -> Tensor { Tensor.randomNormal(shape, generator: generator) }
    func cut(_ x: Tensor) -> Tensor {
      let width = x.count / x.dim(0)
      let wide = Tensor.full([x.dim(0), width + 3], .nan, dtype: x.dtype, device: device)
      let view = wide.slice(1..<1 + width, dim: 1)
      view.assign(x.reshaped([x.dim(0), width]))
      return view.reshaped(x.shape)
    }
    func channels() -> Tensor { normal([rows, heads, keyWidth]) }
    let decay = DecayLogits(
      cut(normal([rows, heads]).to(dtype)), logRate: normal([heads]).to(dtype),
      stepBias: normal([heads]))
    let write = cut(normal([rows, heads]).to(dtype))
    let rule: RecurrentStepRule
    switch kind {
    case .retNet: rule = .retention(logDecay: -exp(normal([heads]) - 3).expanded([rows, heads]))
    case .gla: rule = .retention(logDecay: cut(-exp(channels() - 3)))
    case .mamba2: rule = .stateSpace(decay)
    case .deltaNet: rule = .delta(write: write, decay: nil)
    case .gatedDeltaNet: rule = .delta(write: write, decay: decay)
    case .rwkv7:
      let removed = unitRows(channels())
      rule = .generalized(
        logDecay: -exp(channels() - 3), recallKey: -removed,
        rewriteKey: removed * sigmoid(channels()))
    }
    return Inputs(
      query: cut(normal([rows, keyHeads, keyWidth]).to(dtype)),
      key: cut(normal([rows, keyHeads, keyWidth]).to(dtype)),
      value: cut(normal([rows, heads, valueWidth]).to(dtype)), rule: rule,
      scale: 1 / Double(keyWidth).squareRoot(),
      memory: normal([slots, heads, keyWidth, valueWidth]),
      slots: Tensor(permuted(slots).prefix(rows).map(Int32.init), shape: [rows]).to(device))
  }
}
