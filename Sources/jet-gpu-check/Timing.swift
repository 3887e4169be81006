import Foundation
import JetTensor

/// What the GPU did before it is measured. Large products take more power than it may have for long: after some 50 ms of
/// them it lowers its clock.
enum Load: String, Encodable {
  /// Whatever the warm-up and earlier measurements were.
  case any
  /// A tenth of a second of nothing, then one call.
  case rested
  /// Half a second of the same.
  case sustained
}

/// Seconds of one call of `body` until the GPU is done with it: the median of `count` measurements of `calls` calls one
/// after another, after `warmUps` calls.
func medianSeconds(
  _ count: Int, calls: Int = 1, warmUps: Int = 3, after load: Load = .any, _ body: () -> Void
) -> Double {
  let device = Device.cuda(0)
  for _ in 0..<warmUps { body() }
  if load == .sustained {
    let start = ContinuousClock.now
    while ContinuousClock.now - start < .milliseconds(500) {
      body()
      device.synchronize()
    }
  }
  let seconds = (0..<count).map { _ in
    if load == .rested {
      device.synchronize()
      Thread.sleep(forTimeInterval: 0.1)
      body()
    }
    device.synchronize()
    let start = ContinuousClock.now
    for _ in 0..<calls { body() }
    device.synchronize()
    return (ContinuousClock.now - start) / .seconds(1) / Double(calls)
  }
  return seconds.sorted()[count / 2]
}

/// What the GPU does at best, measured: what shares are shares of.
enum MeasuredRates {
  /// Bytes a second that a copy of 1 GiB reads and writes.
  static func copy() -> Double {
    let generator = Generator(seed: 1, device: .cuda(0))
    let block = Tensor.randomNormal([1 << 28], generator: generator)
    return 2 * Double(block.byteCount) / medianSeconds(10) { _ = block.clone() }
  }

  /// Floating-point operations a second of libtorch's product of two bfloat16 matrices of 8192 × 8192.
  static func product(after load: Load = .any) -> Double {
    let generator = Generator(seed: 1, device: .cuda(0))
    let side = 8192
    let a = Tensor.randomNormal([side, side], generator: generator).to(.bfloat16)
    let b = Tensor.randomNormal([side, side], generator: generator).to(.bfloat16)
    return 2 * pow(Double(side), 3) / medianSeconds(9, calls: 10, after: load) { _ = matmul(a, b) }
  }
}

/// Two digits behind the point.
func rounded(_ x: Double) -> Double { (x * 100).rounded() / 100 }

/// Prints a value as one line of JSON.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys]
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}
