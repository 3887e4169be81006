import JetInference
import JetKernels
import JetTensor

/// What the machine can do at most, measured in the same run as what is compared with it.
struct MachineRates: Encodable {
  /// Bytes read in a second by all threads together.
  let readBytesPerSecond: Double
  /// Floating-point operations in a second of a large matrix product.
  let matrixOperationsPerSecond: Double

  /// The shape of the product: rows, inner width and columns of a prefill of Jet-Nemotron-2B's MLP.
  static let product = (rows: 2048, inner: 1536, columns: 8960)

  /// Measures both; about a second.
  static func measured(on device: Device, dtype: DType) throws -> MachineRates {
    try withTorchErrors {
      withoutGradients {
        MachineRates(
          readBytesPerSecond: device == .cpu ? measuredReadBandwidth() : copyRate(on: device),
          matrixOperationsPerSecond: productRate(on: device, dtype: dtype))
      }
    }
  }

  /// The higher rates of two measurements, for other programs can only lower them.
  func highest(_ other: MachineRates) -> MachineRates {
    MachineRates(
      readBytesPerSecond: max(readBytesPerSecond, other.readBytesPerSecond),
      matrixOperationsPerSecond: max(matrixOperationsPerSecond, other.matrixOperationsPerSecond))
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

  /// Seconds of the fastest of five runs, after one to warm up.
  private static func best(on device: Device, _ body: () -> Void) -> Double {
    let times = (0..<6).map { _ in
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
