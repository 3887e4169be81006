import JetKernels
import JetTensor

/// Times the matrix products of a decode step of Jet-Nemotron-2B in bfloat16, each product and all of a step.
///
/// Both forms are timed inside graphs. A graph meets as many weights of a shape as no cache holds.
enum LinearStepBenchmark {
  private static let device = Device.cuda(0)
  private static let counts = [1, 2, 4, 8, 16, 24, 32, 64]
  /// Bytes of weights that a graph reads at least.
  private static let leastBytes = 1 << 30

  struct Shape {
    var width: Int
    var features: Int
    var isNormed = false
    var isActivated = false
    var isGated = false
    var hasBias = false
    var hasResidual = false

    var rows: Int { isGated ? 2 * features : features }
    var name: String { "\(width)→\(rows)\(isGated ? " gated" : "")" }
    var weightBytes: Int { 2 * rows * width }
  }

  private static let shapes = [
    Shape(width: 1536, features: 8856, isNormed: true),
    Shape(width: 384, features: 12288, isActivated: true, hasBias: true),
    Shape(width: 3072, features: 1536, hasResidual: true),
    Shape(width: 1536, features: 2048, isNormed: true, hasBias: true),
    Shape(width: 1536, features: 8960, isNormed: true, isGated: true),
    Shape(width: 8960, features: 1536, hasResidual: true),
    Shape(width: 1536, features: 151_936, isNormed: true),
  ]

  struct Timing: Encodable {
    let shape: String
    let sequences: Int
    let microseconds: Double
    /// Of the weight alone.
    let gigabytesPerSecond: Double
    let shareOfCopy: Double
    let libraryMicroseconds: Double
  }

  struct Step: Encodable {
    let sequences: Int
    let milliseconds: Double
    let tokensPerSecond: Double
    let gigabytesPerSecond: Double
    let shareOfCopy: Double
  }

  struct Result: Encodable {
    let linearStepCopyBytesPerSecond: Double
    let timings: [Timing]
    let steps: [Step]
  }

  static func run() throws {
    try withoutGradients {
      let copy = MeasuredRates.copy()
      print("copy \(Int(copy / 1e9)) GB/s")
      var timings: [Timing] = []
      for shape in shapes {
        timings += try time(shape, copy: copy)
        try device.releaseCached()
      }
      let steps = try LinearStepChain().times(copy: copy)
      try printJSON(Result(linearStepCopyBytesPerSecond: copy, timings: timings, steps: steps))
    }
  }

  private static func time(_ shape: Shape, copy: Double) throws -> [Timing] {
    let generator = Generator(seed: 2, device: device)
    func random(_ shape: [Int]) -> Tensor {
      Tensor.randomNormal(shape, generator: generator).to(.bfloat16)
    }
    let weights = (0..<max(1, leastBytes / shape.weightBytes)).map { _ in
      random([shape.rows, shape.width])
    }
    let norm = random([shape.width])
    let bias = shape.hasBias ? random([shape.rows]) : nil
    return try counts.map { count in
      let x = random([count, shape.width])
      let residual = shape.hasResidual ? random([count, shape.features]) : nil
      let ours = try secondsOfReplay {
        for weight in weights {
          _ = linearStep(
            x, weight: weight, bias: bias, norm: shape.isNormed ? (norm, 1e-6) : nil,
            activatesInput: shape.isActivated, gatesOutput: shape.isGated, residual: residual)
        }
      }
      let library = try secondsOfReplay { for weight in weights { _ = linear(x, weight, bias) } }
      let each = ours / Double(weights.count)
      let rate = Double(shape.weightBytes) / each
      let timing = Timing(
        shape: shape.name, sequences: count, microseconds: each * 1e6,
        gigabytesPerSecond: rate / 1e9, shareOfCopy: rate / copy,
        libraryMicroseconds: library / Double(weights.count) * 1e6)
      print(
        "\(timing.shape), \(count) sequences: \(rounded(timing.microseconds)) µs, "
          + "\(Int(timing.gigabytesPerSecond)) GB/s (\(rounded(100 * timing.shareOfCopy)) % of copy); "
          + "libtorch's product alone \(rounded(timing.libraryMicroseconds)) µs")
      return timing
    }
  }

  /// Seconds of a replay of the graph of `body`, which is run once before; of three replays each time.
  static func secondsOfReplay(_ body: () -> Void) throws -> Double {
    body()
    let graph = try CUDAGraph(on: device, capturing: body)
    return medianSeconds(9, calls: 3) { graph.replay() }
  }
}
