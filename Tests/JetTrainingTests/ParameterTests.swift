import JetModels
import JetTensor
import JetTestSupport
import Testing

@testable import JetTraining

@Suite("TrainedParameters")
struct ParameterTests {
  @Test("a star stands for any characters")
  func patterns() {
    let cases: [(String, String, Bool)] = [
      ("*", "anything", true), ("a.b", "a.b", true), ("a.b", "a.bc", false),
      ("model.layers.*.self_attn.*", "model.layers.12.self_attn.q_proj.weight", true),
      ("model.layers.*.self_attn.*", "model.layers.12.mlp.up_proj.weight", false),
      ("*.weight", "a.weight", true), ("*.weight", "a.bias", false), ("a*a", "a", false),
      ("a*b*c", "abbc", true), ("a*b*c", "acb", false), ("*norm*", "input_layernorm.weight", true),
    ]
    for (pattern, name, expected) in cases {
      #expect(ParameterRule(pattern, trains: true).matches(name) == expected, "\(pattern) \(name)")
    }
  }

  @Test("rules choose, the last one decides, and only weights of two dimensions decay")
  func rules() throws {
    let model = try TinyModels.model([TinyModels.attention, TinyModels.jet])
    let parameters = try TrainedParameters(
      of: model,
      rules: [
        ParameterRule("model.layers.*.self_attn.*", trains: true),
        ParameterRule("model.layers.0.*", trains: false),
        ParameterRule("model.norm.weight", trains: true, rateFactor: 0.1),
      ])
    let names = parameters.leaves.flatMap(\.names)
    #expect(
      names.allSatisfy { $0.hasPrefix("model.layers.1.self_attn.") || $0 == "model.norm.weight" })
    for leaf in parameters.leaves {
      let isPlain = ["A_log", "dt_bias", "norm.weight", "bias"].contains {
        leaf.names[0].hasSuffix($0)
      }
      #expect(leaf.decays != isPlain, "\(leaf.names)")
      #expect(leaf.rateFactor == (leaf.names[0] == "model.norm.weight" ? 0.1 : 1))
    }
    for (leaf, names) in zip(model.parameters.leaves, model.parameters.leafNames) {
      #expect(leaf.requiresGradient == parameters.leaves.contains { $0.names == names })
    }
  }

  @Test("rules that cannot be followed are refused")
  func refusals() throws {
    let model = try TinyModels.model([TinyModels.gatedDeltaNet])
    func refusal(_ rules: [ParameterRule]) -> String {
      sentence { _ = try TrainedParameters(of: model, rules: rules) } ?? "none"
    }
    #expect(refusal([]).contains("no parameter is trained"))
    #expect(
      refusal([ParameterRule("model.layer.*", trains: true)]).contains("matches no parameter"))
    #expect(refusal([ParameterRule("*.q_proj.weight", trains: true)]).contains("one tensor"))
  }
}
