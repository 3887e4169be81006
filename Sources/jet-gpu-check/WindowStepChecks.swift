import JetKernels
import JetTensor

/// The steps of windows on pools, short convolution and token shift: our CUDA kernels beside the definitions.
enum WindowStepChecks {
  private static let device = Device.cuda(0)

  static func run(small: Bool, _ tally: inout Tally) {
    withoutGradients {
      for dtype in [DType.float32, .bfloat16] {
        for (rows, channels, taps) in [
          (1, 1, 1), (3, 40, 4), (7, 129, 4), (2, 1000, 3), (40, 3072, 4), (5, 257, 7),
        ] {
          for hasBias in [false, true] {
            compare(rows, channels, taps, hasBias: hasBias, dtype, &tally)
          }
          shift(rows, channels, dtype, &tally)
        }
      }
    }
  }

  private static func normal(_ shape: [Int], _ dtype: DType, seed: UInt64) -> Tensor {
    Tensor.randomNormal(shape, generator: Generator(seed: seed, device: device)).to(dtype)
  }

  /// Rows cut out of wider ones.
  private static func rows(_ count: Int, _ channels: Int, _ dtype: DType) -> Tensor {
    let wide = normal([count, channels + 5], dtype, seed: 1)
    return wide.slice(2..<2 + channels, dim: 1)
  }

  private static func slots(_ rows: Int) -> Tensor {
    Tensor(permuted(rows + 3).prefix(rows).map(Int32.init), shape: [rows]).to(device)
  }

  private static func compare(
    _ count: Int, _ channels: Int, _ taps: Int, hasBias: Bool, _ dtype: DType,
    _ tally: inout Tally
  ) {
    let x = rows(count, channels, dtype)
    let weight = normal([channels, taps], dtype, seed: 2)
    let bias = hasBias ? normal([channels], dtype, seed: 3) : nil
    let window = normal([count + 3, channels, taps], dtype, seed: 4)
    let (expected, places) = (window.clone(), slots(count))
    let z = FastForm.disabled {
      convolutionStep(x, weight: weight, bias: bias, window: expected, slots: places)
    }
    RecurrentStepChecks.poison(z.shape, dtype)
    let y = convolutionStep(x, weight: weight, bias: bias, window: window, slots: places)
    tally.compare(
      "convolutionStep \(dtype) \(count)×\(channels), \(taps) taps\(hasBias ? ", bias" : "")",
      [
        ("output", y, z, dtype == .bfloat16 ? 4e-3 : 1e-6), ("window", window, expected, 0),
      ])
  }

  private static func shift(
    _ count: Int, _ channels: Int, _ dtype: DType, _ tally: inout Tally
  ) {
    let x = rows(count, channels, dtype)
    let window = normal([count + 3, channels, 1], dtype, seed: 4)
    let (expected, places) = (window.clone(), slots(count))
    let z = FastForm.disabled { tokenShiftStep(x, window: expected, slots: places) }
    RecurrentStepChecks.poison(z.shape, dtype)
    let y = tokenShiftStep(x, window: window, slots: places)
    tally.compare(
      "tokenShiftStep \(dtype) \(count)×\(channels)",
      [("output", y, z, 0), ("window", window, expected, 0)])
  }
}
