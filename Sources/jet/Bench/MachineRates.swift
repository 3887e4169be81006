import JetInference
import JetKernels
import JetTensor

/// What the machine can do at most, measured between the runs that are compared with it: on a machine that others share,
/// both change from second to second.
enum MachineRate: String, Encodable {
  /// Bytes read in a second by all threads together.
  case reading
  /// Floating-point operations in a second of a large matrix product.
  case multiplying

  /// The shape of the product: rows, inner width and columns of a prefill of Jet-Nemotron-2B's MLP.
  static let product = (rows: 2048, inner: 1536, columns: 8960)

  /// The rate at this moment; takes about a tenth of a second.
  func measured(on device: Device, dtype: DType) throws -> Double {
    try withTorchErrors {
      try withoutGradients {
        switch self {
        case .reading where device == .cpu: try measuredReadBandwidth(byteCount: 256 << 20)
        case .reading: Self.copyRate(on: device)
        case .multiplying: Self.productRate(on: device, dtype: dtype)
        }
      }
    }
  }

  private static func productRate(on device: Device, dtype: DType) -> Double {
    let generator = Generator(seed: 1)
    let x = Tensor.randomNormal([product.rows, product.inner], generator: generator)
      .to(dtype).to(device)
    let weight = Tensor.randomNormal([product.columns, product.inner], generator: generator)
      .to(dtype).to(device)
    let operations = 2 * Double(product.rows * product.inner * product.columns)
    return operations / best(on: device) { _ = linear(x, weight, nil) }
  }

  /// A GPU's rate of reading and writing, by copying half a gigabyte.
  private static func copyRate(on device: Device) -> Double {
    let source = Tensor.full([512 << 20], 1, dtype: .uint8, device: device)
    let target = Tensor.full([512 << 20], 0, dtype: .uint8, device: device)
    return 2 * Double(source.byteCount) / best(on: device) { target.assign(source) }
  }

  /// Seconds of the fastest of three runs, after one to warm up.
  private static func best(on device: Device, _ body: () -> Void) -> Double {
    let times = (0..<4).map { _ in
      Stopwatch.seconds {
        body()
        device.synchronize()
      }
    }
    return times.dropFirst().min() ?? .infinity
  }
}

/// Time that passes while something runs.
enum Stopwatch {
  /// Seconds that `body` takes.
  static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let duration = try ContinuousClock().measure(body)
    return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
  }
}
