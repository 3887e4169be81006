import JetKernels
import JetModels
import JetTensor
import JetTestSupport
import Testing

@testable import JetTraining

@Suite("Conversion")
struct ConversionTests {
  private static let students: [(String, MixerConfiguration)] = [
    ("the teacher's own heads", TinyModels.gatedDeltaNet),
    ("jet, half the heads, twice the value", TinyModels.jet),
    (
      "more heads, narrower keys",
      .gatedDeltaNet(GatedDeltaNetConfiguration(heads: 8, keyWidth: 7, valueWidth: 6))
    ),
    (
      "three heads, wider keys",
      .gatedDeltaNet(GatedDeltaNetConfiguration(heads: 3, keyWidth: 16, valueWidth: 16))
    ),
    ("DeltaNet", .deltaNet(DeltaNetConfiguration(heads: 4, keyWidth: 12, valueWidth: 12))),
    ("GLA", .gla(GLAConfiguration(heads: 4, keyWidth: 12, valueWidth: 12))),
    ("RetNet", .retNet(RetNetConfiguration(heads: 4, keyWidth: 12, valueWidth: 24))),
    (
      "Mamba2, a group a head",
      .mamba2(Mamba2Configuration(heads: 4, keyWidth: 12, valueWidth: 12, groups: 4))
    ),
    ("Mamba2, one group", .mamba2(Mamba2Configuration(heads: 6, keyWidth: 16, valueWidth: 8))),
    ("RWKV7", .rwkv7(RWKV7Configuration(heads: 4, keyWidth: 12, valueWidth: 12, width: 48))),
    (
      "RWKV7, two heads",
      .rwkv7(RWKV7Configuration(heads: 2, keyWidth: 8, valueWidth: 16, width: 48))
    ),
  ]

  private func named(_ model: HybridModel) -> [String: Tensor] {
    Dictionary(
      model.parameters.parameters.map { ($0.name, $0.tensor) }, uniquingKeysWith: { a, _ in a })
  }

  @Test("all but the new mixers is the teacher's, and a model without new ones is the teacher")
  func copies() throws {
    let teacher = try TinyModels.model([TinyModels.attention, TinyModels.attention], seed: 1)
    let same = try Conversion.student(
      of: teacher, mixers: teacher.configuration.mixers, seed: 9)
    let batch = randomBatch(1, 9, seed: 1)
    withoutGradients {
      #expect(
        same(batch.input).array(of: Float.self) == teacher(batch.input).array(of: Float.self))
    }
    let student = try Conversion.student(
      of: teacher, mixers: [TinyModels.attention, TinyModels.jet], seed: 9)
    let (own, theirs) = (named(student), named(teacher))
    for (name, tensor) in own where !name.hasPrefix("model.layers.1.self_attn.") {
      #expect(tensor.array(of: Float.self) == theirs[name]?.array(of: Float.self), "\(name)")
    }
  }

  @Test("students of any heads and widths can be made and calibrated", arguments: students.indices)
  func shapes(index: Int) throws {
    let (name, mixer) = Self.students[index]
    let teacher = try TinyModels.model([TinyModels.attention, TinyModels.attention], seed: 1)
    let student = try Conversion.student(
      of: teacher, mixers: [mixer, TinyModels.attention], seed: 2)
    let errors = Conversion.calibrate(student, to: teacher, on: randomBatch(4, 50, seed: 3))
    #expect(Array(errors.keys) == [0])
    #expect(try #require(errors[0]) <= 1, "\(name): no better than zero")
    #expect(student.parameters.parameters.allSatisfy { $0.tensor.isFinite }, "\(name)")
    let again = try Conversion.student(
      of: teacher, mixers: [mixer, TinyModels.attention], seed: 2)
    _ = Conversion.calibrate(again, to: teacher, on: randomBatch(4, 50, seed: 3))
    let (a, b) = (named(student), named(again))
    #expect(a.allSatisfy { $1.array(of: Float.self) == b[$0]?.array(of: Float.self) }, "\(name)")
  }

  @Test(
    "a mixer like the teacher's attention is nearer to it than a drawn one",
    arguments: MixerConfiguration.linearKinds)
  func nearer(kind: String) throws {
    let teacher = try TinyModels.model([TinyModels.attention, TinyModels.attention], seed: 1)
    let attention = try #require(teacher.configuration.mixers[0].attentionHeads)
    let mixer = try MixerConfiguration.linear(kind: kind, like: attention)
    #expect(mixer.kind == kind)
    #expect(mixer.linearHeads == LinearHeads(heads: 4, keyWidth: 12, valueWidth: 12))
    let mixers = [mixer, TinyModels.attention]
    let batch = randomBatch(4, 64, seed: 3)
    let student = try Conversion.student(of: teacher, mixers: mixers, seed: 2)
    let error = try #require(Conversion.calibrate(student, to: teacher, on: batch)[0])
    let drawn = try (5..<8).map { (seed: UInt64) in
      let model = try TinyModels.model(mixers, seed: seed)
      return try #require(Conversion.calibrate(model, to: teacher, on: batch)[0])
    }
    // Drawn at random, no factor is better than 0: an error of 1.
    #expect(error < 0.98 * (drawn.min() ?? 0), "\(error) against \(drawn)")
  }

  @Test("a kind that is no linear mixer is refused")
  func unknownKind() {
    let attention = AttentionConfiguration(heads: 4, keyValueHeads: 2, headWidth: 12)
    let refusal = sentence { _ = try MixerConfiguration.linear(kind: "attn", like: attention) }
    #expect(refusal?.contains("expected one of retnet, gla") == true)
  }

  @Test("Mamba2 and RWKV7 take the teacher's projections under their own names")
  func otherNames() throws {
    let teacher = try TinyModels.model([TinyModels.attention], seed: 1)
    let source = named(teacher)
    let prefix = "model.layers.0.self_attn."
    func numbers(_ tensor: Tensor?) throws -> [Float] {
      try #require(tensor).array(of: Float.self)
    }
    let attention = try #require(teacher.configuration.mixers[0].attentionHeads)
    func student(_ kind: String) throws -> [String: Tensor] {
      named(
        try Conversion.student(
          of: teacher, mixers: [.linear(kind: kind, like: attention)], seed: 2))
    }
    let query = try numbers(source[prefix + "q_proj.weight"])
    let mamba = try student("mamba2")
    let parts = try #require(mamba[prefix + "in_proj.weight"]).split([48, 48, 48, 48, 4], dim: 0)
    #expect(try numbers(parts[3]) == query)
    #expect(try numbers(parts[2].slice(0..<12, dim: 0)) == numbers(parts[2].slice(12..<24, dim: 0)))
    #expect(
      try numbers(mamba[prefix + "out_proj.weight"])
        == numbers(source[prefix + "o_proj.weight"]))
    #expect(try numbers(mamba[prefix + "D"]) == [0, 0, 0, 0])
    let rate = exp(try #require(mamba[prefix + "A_log"]))
    let lost = (rate * softplus(try #require(mamba[prefix + "dt_bias"]))).array(of: Double.self)
    #expect(abs(lost[0] - 1.0 / 8) < 1e-4 && abs(lost[3] - 1.0 / 2048) < 1e-6)
    let rwkv = try student("rwkv7")
    #expect(try numbers(rwkv[prefix + "r_proj.weight"]) == query)
    let decay = sigmoid(try #require(rwkv[prefix + "w_lora.lora.2.bias"])) * 0.606_530_66
    let kept = decay.array(of: Double.self).map { 1 / $0 }
    #expect(abs(kept[0] - 8) < 1e-3 && abs(kept[47] - 2048) < 1)
  }

  @Test("heads of a group are repeated, and the output is kept where patterns agree")
  func heads() throws {
    let teacher = try TinyModels.model([TinyModels.attention], seed: 1)
    let source = named(teacher)
    let prefix = "model.layers.0.self_attn."
    func weight(_ name: String) throws -> Tensor { try #require(source[prefix + name + ".weight"]) }
    let attention = try #require(teacher.configuration.mixers[0].attentionHeads)
    let same = HeadMapping(
      teacher: attention, student: LinearHeads(heads: 4, keyWidth: 12, valueWidth: 12))
    let k = same.key(try weight("k_proj"), initial: Tensor.zeros([48, 48]))
    #expect(
      k.array(of: Float.self)
        == (try weight("k_proj")).reshaped([2, 12, 48]).repeated(2, dim: 0).array(of: Float.self))
    #expect(
      same.query(try weight("q_proj"), initial: Tensor.zeros([48, 48])).array(of: Float.self)
        == (try weight("q_proj")).array(of: Float.self))

    // Were all tokens mixed alike, V and O alone would decide; whatever the heads, O·V must then be the teacher's.
    let x = Tensor.randomNormal([5, 48], generator: Generator(seed: 8))
    let values = linear(x, try weight("v_proj")).reshaped([5, 2, 12]).repeated(2, dim: 1)
    let wanted = linear(values.reshaped([5, 48]), try weight("o_proj"))
    for heads in [(4, 12), (8, 12), (12, 24), (4, 36), (2, 24), (6, 12), (4, 30)] {
      let mapping = HeadMapping(
        teacher: attention, student: LinearHeads(heads: heads.0, keyWidth: 4, valueWidth: heads.1))
      let size = heads.0 * heads.1
      let v = mapping.value(try weight("v_proj"), initial: Tensor.zeros([size, 48]))
      let given = linear(linear(x, v), mapping.output(try weight("o_proj")))
      #expect(v.shape == [size, 48])
      #expect(relativeError(given, wanted) < 1e-5, "\(heads)")
    }
  }

  @Test("narrower keys keep the pairs that turn slowest")
  func channels() {
    func channels(_ width: Int) -> [Int] {
      HeadMapping(
        teacher: AttentionConfiguration(heads: 1, keyValueHeads: 1, headWidth: 8),
        student: LinearHeads(heads: 1, keyWidth: width, valueWidth: 8)
      ).keyChannels
    }
    #expect(channels(8) == Array(0..<8))
    #expect(channels(4) == [2, 3, 6, 7])
    #expect(channels(5) == [1, 2, 3, 6, 7])
    #expect(channels(10) == Array(0..<8) + [-1, -1])
  }

  @Test("convolutions begin as the identity and heads keep from 8 to 2048 tokens")
  func priors() throws {
    let teacher = try TinyModels.model([TinyModels.attention], seed: 1)
    let student = named(
      try Conversion.student(of: teacher, mixers: [TinyModels.gatedDeltaNet], seed: 2))
    let prefix = "model.layers.0.self_attn."
    let kernel = try #require(student[prefix + "v_conv1d.weight"])
    #expect(kernel.select(0, dim: 0).array(of: Float.self) == [0, 0, 0, 1])
    let step = softplus(try #require(student[prefix + "dt_bias"])).array(of: Double.self)
    #expect(abs(step[0] - 1.0 / 8) < 1e-4 && abs(step[3] - 1.0 / 2048) < 1e-6)
    let jet = named(try Conversion.student(of: teacher, mixers: [TinyModels.jet], seed: 2))
    let generator = prefix + "dynamic_conv1d.kernel_generator."
    let bias = try #require(jet[generator + "w2.bias"]).reshaped([48, 4]).mean([0])
    #expect(zip(bias.array(of: Float.self), [0, 0, 0, 1]).allSatisfy { abs($0 - $1) < 0.2 })
    #expect(try #require(jet[generator + "w2.weight"]).array(of: Float.self).allSatisfy { $0 == 0 })
    #expect(try #require(jet[generator + "w1.weight"]).array(of: Float.self).contains { $0 != 0 })
  }
}
