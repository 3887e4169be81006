import JetTensor

/// What `jet bench-training` found.
struct TrainingReport: Encodable {
  let model: String
  let dtype: String
  let device: String
  let threads: Int
  let tf32: Bool
  /// Floating-point operations in a second of a large matrix product.
  var matrixOperationsPerSecond: Double?
  /// Bytes read and written in a second.
  var bytesPerSecond: Double?
  var checks: [String: TrainingCheck] = [:]
  var results: [TrainingBench.Result] = []

  init(model: String, dtype: String, device: String, threads: Int, tf32: Bool) {
    self.model = model
    self.dtype = dtype
    self.device = device
    self.threads = threads
    self.tf32 = tf32
  }

  /// Measures what the device can do at most.
  ///
  /// - Returns: operations a second of a large matrix product.
  mutating func measureMachine(on device: Device, dtype: DType) throws -> Double {
    // A GPU needs a larger product to be busy than the CPU's.
    let rate =
      device == .cpu
      ? try MachineRate.multiplying.measured(on: device, dtype: dtype)
      : try withTorchErrors { withoutGradients { Self.largeProductRate(on: device, dtype) } }
    matrixOperationsPerSecond = rate
    bytesPerSecond = try MachineRate.reading.measured(on: device, dtype: dtype)
    return rate
  }

  private static func largeProductRate(on device: Device, _ dtype: DType) -> Double {
    let (size, count) = (8192, 10)
    let generator = Generator(seed: 1, device: device)
    let a = Tensor.randomNormal([size, size], generator: generator).to(dtype)
    let b = Tensor.randomNormal([size, size], generator: generator).to(dtype)
    func multiply() { for _ in 0..<count { _ = matmul(a, b) } }
    multiply()
    device.synchronize()
    let seconds = Stopwatch.seconds {
      multiply()
      device.synchronize()
    }
    return 2 * Double(size * size) * Double(size * count) / seconds
  }

  /// How far the small step is from its reference.
  func line(_ student: String, _ check: TrainingCheck) -> String {
    func percent(_ value: Double) -> String { Numbers.short(value * 100) + " %" }
    return
      "check of \(student): loss off by \(percent(check.lossError)), gradients by "
      + "\(percent(check.gradientError)), their length by \(percent(check.normError)); allowed "
      + "\(percent(TrainingCheck.lossBound)), \(percent(TrainingCheck.gradientBound)), "
      + percent(TrainingCheck.normBound)
  }

  /// One measurement.
  func line(_ result: TrainingBench.Result) -> String {
    let parts = result.partSeconds.sorted { $0.key < $1.key }
      .map { "\($0.key) \(Numbers.short($0.value * 1e3))" }.joined(separator: ", ")
    let rate = result.tokensPerSecond
    return
      "\(result.student), \(result.loss.rawValue), \(result.shape.sequences) x \(result.shape.length): "
      + "\(Numbers.grouped(Int(rate.median))) tokens/s (\(Numbers.grouped(Int(rate.minimum))) to "
      + "\(Numbers.grouped(Int(rate.maximum)))), \(Numbers.short(result.stepSeconds.median * 1e3)) "
      + "ms a step; apart in ms: \(parts); "
      + (result.peakBytes.map { "\(Numbers.bytes($0)) at most; " } ?? "")
      + "\(Numbers.short(result.operationsPerSecond / 1e12)) TFLOP/s, "
      + "\(Numbers.short(result.share * 100)) % of the matrix rate"
  }
}
