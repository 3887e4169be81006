import JetKernels
import JetModels
import JetTensor

/// Times a layer's mixer of Jet-Nemotron-2B in training, `mixer(norm(x))` of 8 sequences of 4,096 tokens in bfloat16, and
/// each of its parts alone, four calls one after another as layers follow each other: once after a rest, once after half a
/// second of the same, when the card has lowered its clock. A table for people and a line of JSON.
///
/// A floor is the longer of two times: that of moving each operand once at the rate of a copy, and that of the operations
/// at the rate of libtorch's largest product under the same load. The floor of the whole counts nothing between its parts.
enum JetBlockTrainingBenchmark {
  private static let device = Device.cuda(0)
  private static let (sequences, tokens) = (8, 4096)

  /// What is timed.
  private struct Work {
    let name: String
    /// All that have gradients, parameters among them.
    let inputs: [Tensor]
    /// Floating-point operations of products, forward.
    var operations = 0.0
    let run: ([Tensor]) -> [Tensor]
  }

  struct Timing: Encodable {
    let milliseconds: Double
    let floorMilliseconds: Double
    let shareOfFloor: Double
  }

  struct Row: Encodable {
    let part: String
    let load: Load
    let forward: Timing
    let forwardAndBackward: Timing
  }

  struct Result: Encodable {
    let benchmark = "jetBlockTraining"
    let copyBytesPerSecond: Double
    let restedProductFlops: Double
    let sustainedProductFlops: Double
    let rows: [Row]
  }

  /// What the card does at best.
  private struct Rates {
    let load: Load
    let copy: Double
    let product: Double
  }

  static func run() throws {
    let copy = MeasuredRates.copy()
    let rates = [Load.rested, .sustained].map {
      Rates(load: $0, copy: copy, product: MeasuredRates.product(after: $0))
    }
    print(
      "JetBlock of Jet-Nemotron-2B in training, \(sequences) × \(tokens) tokens: copy "
        + "\(Int(copy / 1e9)) GB/s, bfloat16 product "
        + rates.map { "\($0.load) \(Int($0.product / 1e12)) TFLOP/s" }.joined(separator: ", "))
    try device.releaseCached()
    let model = try self.model()
    let parts = try self.parts(model)
    // The products of all parts are those of the whole.
    let whole = whole(model, operations: parts.reduce(0) { $0 + $1.operations })
    var rows: [Row] = []
    for work in [whole] + parts {
      rows += rates.map { time(work, $0) }
      try device.releaseCached()
    }
    for rate in rates {
      let all = rows.dropFirst(rates.count).filter { $0.load == rate.load }
      func sum(_ number: (Row) -> Double) -> Double { rounded(all.reduce(0) { $0 + number($1) }) }
      print(
        "all parts, \(rate.load): forward \(sum { $0.forward.milliseconds }) ms (floors "
          + "\(sum { $0.forward.floorMilliseconds }) ms), forward and backward "
          + "\(sum { $0.forwardAndBackward.milliseconds }) ms (floors "
          + "\(sum { $0.forwardAndBackward.floorMilliseconds }) ms); what the whole takes above that "
          + "is copies between them")
    }
    try printJSON(
      Result(
        copyBytesPerSecond: copy, restedProductFlops: rates[0].product,
        sustainedProductFlops: rates[1].product, rows: rows))
  }

  /// The whole forward and backward, after a warm-up, for a profiler.
  static func profile() throws {
    let work = whole(try model(), operations: 0)
    let seeds = withoutGradients { work.run(work.inputs) }
    for input in work.inputs { input.requiringGradient() }
    for _ in 0..<2 { _ = gradients(of: work.run(work.inputs), by: work.inputs, seeds: seeds) }
    device.synchronize()
  }

  /// One layer with the preset's block; the vocabulary and the MLP take no part and are small.
  private static func model() throws -> HybridModel {
    var configuration = ModelConfiguration.jetNemotron2B
    configuration.mixers = Array(configuration.mixers.prefix(1))
    (configuration.vocabularySize, configuration.mlpWidth) = (8, 8)
    let store = ParameterStore(source: nil, dtype: .bfloat16, device: device, seed: 1)
    let model = try HybridModel(configuration, parameters: store)
    fillConstants(of: store)
    return model
  }

  private static func whole(_ model: HybridModel, operations: Double) -> Work {
    let store = model.parameters
    let leaves = store.leaves.indices.filter { index in
      let name = store.leafNames[index][0]
      return name.contains(".self_attn.") || name.contains(".input_layernorm.")
    }
    let ids = Tensor.zeros([sequences, tokens], dtype: .int64, device: device)
    let walk = LayerWalk(model, TokenBatch(ids))
    let x = Tensor.randomNormal(
      [sequences, tokens, model.configuration.width],
      generator: Generator(seed: 3, device: device), dtype: .bfloat16)
    return Work(
      name: "the whole", inputs: [x] + leaves.map { store.leaves[$0] }, operations: operations
    ) { [walk.mixed($0[0], layer: 0)] }
  }

  /// The parts in their order, each with operands that lie in one piece.
  private static func parts(_ model: HybridModel) throws -> [Work] {
    let layer = model.layers[0]
    guard case .linear(let mixer) = layer.mixer, let block = mixer as? JetBlock,
      case .dynamic(let generators) = block.convolution
    else { throw CheckError("the first layer of Jet-Nemotron-2B is no JetBlock") }
    let own = block.configuration
    let (heads, keyWidth, valueWidth) = (own.heads, own.keyWidth, own.valueWidth)
    let values = heads * valueWidth
    let generator = Generator(seed: 4, device: device)
    /// `[sequences, tokens]` and `shape`.
    func random(_ shape: Int..., dtype: DType = .bfloat16) -> Tensor {
      Tensor.randomNormal([sequences, tokens] + shape, generator: generator, dtype: dtype)
    }
    func product(_ weight: Tensor) -> Double { 2 * Double(sequences * tokens * weight.count) }
    let x = random(model.configuration.width)
    let rule = GatedDeltaRuleCase(
      batch: sequences, tokens: tokens, heads: heads, keyWidth: keyWidth, valueWidth: valueWidth)
    return [
      Work(name: "norm of the input", inputs: [x, layer.mixerNorm.weight]) {
        [rmsNorm($0[0], weight: $0[1], eps: layer.mixerNorm.eps)]
      },
      Work(
        name: "input projection", inputs: [x, block.input.weight],
        operations: product(block.input.weight)
      ) { [linear($0[0], $0[1])] },
      Work(
        name: "convolution with its generator",
        inputs: [
          random(values), random(own.generatorWidth), generators[0].weight, generators[0].bias,
        ],
        operations: product(generators[0].weight)
      ) {
        var window = Tensor.zeros(
          [sequences, values, own.kernelSize], dtype: .bfloat16, device: device)
        return [
          generatedConvolution(
            $0[0], inner: $0[1], weight: $0[2], bias: $0[3], window: &window)
        ]
      },
      Work(
        name: "gates",
        inputs: [random(heads), random(heads), block.decay.logRate, block.decay.stepBias]
      ) {
        let gates = decayGates(decay: $0[0], write: $0[1], logRate: $0[2], stepBias: $0[3])
        return [gates.writeStrength, gates.logDecay]
      },
      Work(
        name: "gated delta rule, silu of queries and keys included",
        inputs: [
          random(heads, keyWidth), random(heads, keyWidth), random(heads, valueWidth),
          sigmoid(random(heads, dtype: .float32)),
          -softplus(random(heads, dtype: .float32) * 3 - 2),
        ], operations: rule.operations
      ) {
        var memory = Tensor.zeros([sequences, heads, keyWidth, valueWidth], device: device)
        return [
          gatedDeltaRule(
            query: $0[0], key: $0[1], value: $0[2], writeStrength: $0[3], logDecay: $0[4],
            memory: &memory, scale: 1 / Double(keyWidth).squareRoot(), activates: true)
        ]
      },
      Work(
        name: "norm and gate",
        inputs: [random(heads, valueWidth), random(heads, valueWidth) * 0.5, block.norm.weight]
      ) { [gatedRMSNorm($0[0], gate: $0[1], weight: $0[2], eps: block.norm.eps)] },
      Work(
        name: "output projection",
        inputs: [random(values), block.output.weight], operations: product(block.output.weight)
      ) { [linear($0[0], $0[1])] },
    ]
  }

  private static func time(_ work: Work, _ rates: Rates) -> Row {
    let outputs = withoutGradients { work.run(work.inputs) }
    func bytes(_ tensors: [Tensor]) -> Double { Double(tensors.reduce(0) { $0 + $1.byteCount }) }
    let (read, written) = (bytes(work.inputs), bytes(outputs))
    let generator = Generator(seed: 2, device: device)
    let seeds = outputs.map {
      Tensor.randomNormal($0.shape, generator: generator, dtype: $0.dtype)
    }
    let forward = withoutGradients {
      medianSeconds(9, calls: 4, after: rates.load) { _ = work.run(work.inputs) }
    }
    for input in work.inputs { input.requiringGradient() }
    let both = medianSeconds(9, calls: 4, after: rates.load) {
      _ = gradients(of: work.run(work.inputs), by: work.inputs, seeds: seeds)
    }
    for input in work.inputs { input.requiringGradient(false) }
    func timing(_ seconds: Double, bytes: Double, operations: Double) -> Timing {
      let floor = max(bytes / rates.copy, operations / rates.product)
      return Timing(
        milliseconds: seconds * 1e3, floorMilliseconds: floor * 1e3, shareOfFloor: floor / seconds)
    }
    // Backward reads the inputs again and the gradients of the outputs, and writes those of the inputs.
    let row = Row(
      part: work.name, load: rates.load,
      forward: timing(forward, bytes: read + written, operations: work.operations),
      forwardAndBackward: timing(
        both, bytes: 3 * read + 2 * written, operations: 3 * work.operations))
    func text(_ timing: Timing) -> String {
      "\(rounded(timing.milliseconds)) ms (floor \(rounded(timing.floorMilliseconds)) ms, "
        + "\(rounded(100 * timing.shareOfFloor)) %)"
    }
    print(
      "\(row.part), \(row.load): forward \(text(row.forward)), forward and backward "
        + text(row.forwardAndBackward))
    return row
  }
}
