import JetKernels
import JetTensor

/// All matrix products of a decode step of a model shaped as Jet-Nemotron-2B, one after another and nothing else: 24
/// layers with a JetBlock, 4 with attention, and the logits.
struct LinearStepChain {
  private let device = Device.cuda(0)
  private let width = 1536
  private var layers: [Layer] = []
  private let norm: Tensor
  private let head: Tensor

  private struct Layer {
    let input: Tensor
    let inputBias: Tensor?
    /// The kernel generator of a JetBlock and its bias.
    let generator: (weight: Tensor, bias: Tensor)?
    let output: Tensor
    let gateAndUp: Tensor
    let down: Tensor
  }

  init() {
    let generator = Generator(seed: 4, device: device)
    func random(_ shape: [Int]) -> Tensor {
      (Tensor.randomNormal(shape, generator: generator)
        * (1 / Double(shape.last ?? 1).squareRoot())).to(.bfloat16)
    }
    norm = Tensor.ones([width], dtype: .bfloat16, device: device)
    head = random([151_936, width])
    for index in 0..<28 {
      let hasAttention = index % 7 == 6
      layers.append(
        Layer(
          input: random([hasAttention ? 2048 : 8856, width]),
          inputBias: hasAttention ? random([2048]) : nil,
          generator: hasAttention ? nil : (random([12288, 384]), random([12288])),
          output: random([width, hasAttention ? 1536 : 3072]),
          gateAndUp: random([17920, width]), down: random([width, 8960])))
    }
  }

  private var weightBytes: Int {
    layers.reduce(head.byteCount) { sum, layer in
      sum + layer.input.byteCount + (layer.generator?.weight.byteCount ?? 0)
        + layer.output.byteCount + layer.gateAndUp.byteCount + layer.down.byteCount
    }
  }

  private func logits(_ input: Tensor) -> Tensor {
    var x = input
    for layer in layers {
      let projected = linearStep(
        x, weight: layer.input, bias: layer.inputBias, norm: (norm, 1e-6))
      if let generator = layer.generator {
        _ = linearStep(
          projected.slice(3072..<3456, dim: 1), weight: generator.weight, bias: generator.bias,
          activatesInput: true)
      }
      let mixed = projected.slice(0..<layer.output.dim(1), dim: 1)
      x = linearStep(mixed, weight: layer.output, residual: x)
      let inner = linearStep(
        x, weight: layer.gateAndUp, norm: (norm, 1e-6), gatesOutput: true)
      x = linearStep(inner, weight: layer.down, residual: x)
    }
    return linearStep(x, weight: head, norm: (norm, 1e-6))
  }

  /// Times of the whole chain in a graph.
  func times(copy: Double) throws -> [LinearStepBenchmark.Step] {
    try [1, 2, 4, 8, 16, 32, 64].map { count in
      let generator = Generator(seed: 6, device: device)
      let x = Tensor.randomNormal([count, width], generator: generator).to(.bfloat16)
      let seconds = try LinearStepBenchmark.secondsOfReplay { _ = logits(x) }
      let rate = Double(weightBytes) / seconds
      print(
        "products of a step of \(rounded(Double(weightBytes) / 1e9)) GB, "
          + "\(count) sequences: \(rounded(seconds * 1e3)) ms, "
          + "\(Int(Double(count) / seconds)) tokens/s, \(Int(rate / 1e9)) GB/s "
          + "(\(rounded(100 * rate / copy)) % of copy)")
      return LinearStepBenchmark.Step(
        sequences: count, milliseconds: seconds * 1e3, tokensPerSecond: Double(count) / seconds,
        gigabytesPerSecond: rate / 1e9, shareOfCopy: rate / copy)
    }
  }
}
