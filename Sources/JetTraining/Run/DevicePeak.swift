import JetTensor

/// The most floating-point operations that a device does in a second, measured.
enum DevicePeak {
  /// The rate of a large matrix product in `dtype`: the fastest of some runs after one to warm up.
  ///
  /// The matrices are square, of 1,024 rows on a processor and 8,192 on a GPU, so that they fill it. It takes about a
  /// tenth of a second.
  static func measured(on device: Device, dtype: DType) throws -> Double {
    let size = device == .cpu ? 1024 : 8192
    return try withTorchErrors {
      withoutGradients {
        let matrix = Tensor.randomNormal([size, size], generator: Generator(seed: 1))
          .to(dtype).to(device)
        var best = Double.infinity
        let clock = ContinuousClock()
        for run in 0..<4 {
          let start = clock.now
          _ = matmul(matrix, matrix)
          device.synchronize()
          if run > 0 { best = min(best, (clock.now - start) / .seconds(1)) }
        }
        let side = Double(size)
        return 2 * side * side * side / best
      }
    }
  }
}
