import JetKernels
import JetTensor

/// The sizes of one step of the JetBlock on pools, and its inputs.
struct JetBlockStepCase: CustomStringConvertible {
  var rows: Int
  var heads: Int
  var keyWidth: Int
  var valueWidth: Int
  var inner = 7
  var taps = 4
  var slots: Int
  var dtype = DType.float32
  var memoryDType = DType.float32

  init(_ rows: Int, _ heads: Int, _ keyWidth: Int, _ valueWidth: Int, taps: Int = 4) {
    (self.rows, self.heads, self.keyWidth, self.valueWidth) = (rows, heads, keyWidth, valueWidth)
    self.taps = taps
    slots = rows + 3
  }

  var description: String {
    "\(dtype) \(rows)×\(heads)×(\(keyWidth), \(valueWidth)), \(taps) taps, memory \(memoryDType)"
  }

  /// Widths on both sides of each width that the kernel is compiled for, and that are multiples of nothing.
  static let all = [
    JetBlockStepCase(1, 12, 96, 256), JetBlockStepCase(130, 12, 96, 256),
    JetBlockStepCase(8, 16, 128, 256), JetBlockStepCase(1, 1, 1, 1),
    JetBlockStepCase(3, 2, 16, 16), JetBlockStepCase(5, 3, 24, 40, taps: 3),
    JetBlockStepCase(2, 2, 33, 64), JetBlockStepCase(7, 5, 63, 65, taps: 1),
    JetBlockStepCase(64, 4, 64, 128), JetBlockStepCase(2, 3, 65, 132),
    JetBlockStepCase(17, 1, 100, 200), JetBlockStepCase(2, 2, 97, 130, taps: 2),
    JetBlockStepCase(33, 2, 129, 72), JetBlockStepCase(4, 2, 192, 192),
    JetBlockStepCase(2, 9, 250, 251), JetBlockStepCase(3, 2, 256, 260),
    JetBlockStepCase(1, 3, 257, 512), JetBlockStepCase(2, 1, 512, 511),
    JetBlockStepCase(2, 1, 13, 505, taps: 7), JetBlockStepCase(100, 7, 48, 96),
  ]

  /// What the operator takes; window and memory are changed.
  struct Inputs {
    var projected: Tensor
    var taps: Tensor
    var logRate: Tensor
    var stepBias: Tensor
    var norm: Tensor
    var window: Tensor
    var memory: Tensor
    var slots: Tensor

    /// With pools of its own.
    var copy: Inputs {
      var copy = self
      (copy.window, copy.memory) = (window.clone(), memory.clone())
      return copy
    }

    func run() -> Tensor {
      jetBlockStep(
        projected: projected, taps: taps, logRate: logRate, stepBias: stepBias, norm: norm,
        eps: 1e-5, window: window, memory: memory, slots: slots)
    }
  }

  /// Random numbers of the sizes that a model has; slots in an order without pattern.
  func inputs(_ device: Device) -> Inputs {
    let generator = Generator(seed: 7, device: device)
    func normal(_ shape: [Int]) -> Tensor { Tensor.randomNormal(shape, generator: generator) }
    let channels = heads * valueWidth
    let columns = 2 * heads * keyWidth + 2 * channels + inner + 2 * heads
    return Inputs(
      projected: normal([rows, columns]).to(dtype),
      taps: normal([rows, channels * taps]).to(dtype),
      logRate: normal([heads]), stepBias: normal([heads]).to(dtype),
      norm: (normal([valueWidth]) * 0.2 + 1).to(dtype),
      window: normal([slots, channels, taps]).to(dtype),
      memory: normal([slots, heads, keyWidth, valueWidth]).to(memoryDType),
      slots: Tensor(permuted(slots).prefix(rows).map(Int32.init), shape: [rows]).to(device))
  }
}
