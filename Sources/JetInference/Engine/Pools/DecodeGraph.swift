import JetKernels
import JetTensor

/// A decode step of a number of rows, recorded once.
final class DecodeGraph {
  private let slots: Tensor
  private let ids: Tensor
  private let graph: CUDAGraph
  private var known: [Int] = []

  /// The sizes that are recorded: few, so that recording costs little, and close, so that few rows are for nothing.
  static func size(for count: Int, most: Int) -> Int {
    let sizes = [1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768]
    let fit = sizes.first { $0 >= count } ?? (count + 255) / 256 * 256
    return max(count, min(fit, most))
  }

  /// Records `body`, which is given the slots of all rows, int32 `[size]`, and returns a token of each, int64.
  init(size: Int, device: Device, body: (Tensor) -> Tensor) throws {
    let slots = Tensor.zeros([size], dtype: .int32, device: device)
    let ids = Tensor.zeros([size], dtype: .int64, device: device)
    self.slots = slots
    self.ids = ids
    // Once without recording, in slot 0: libraries load their kernels and take their work space.
    ids.assign(body(slots))
    graph = try CUDAGraph(on: device) { ids.assign(body(slots)) }
    known = Array(repeating: 0, count: size)
  }

  /// Runs a step of `wanted`, the other rows in slot 0.
  ///
  /// - Returns: the tokens, int64, those of `wanted` first; overwritten by the next run.
  func run(_ wanted: [Int]) -> Tensor {
    let rows = wanted + Array(repeating: 0, count: known.count - wanted.count)
    if rows != known {
      slots.assign(Tensor(rows.map(Int32.init)).uploaded(to: slots.device))
      known = rows
    }
    graph.replay()
    return ids
  }
}
