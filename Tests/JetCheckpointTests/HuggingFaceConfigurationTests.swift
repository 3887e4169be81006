import Foundation
import JetKernels
import JetModels
import Testing

@testable import JetCheckpoint

@Suite("config.json")
struct HuggingFaceConfigurationTests {
  private func read(_ text: String) throws -> ModelConfiguration {
    try ModelConfiguration(huggingFace: Data(text.utf8), file: "config.json")
  }

  @Test("SmolLM2")
  func smolLM2() throws {
    let configuration = try read(ReleasedConfigurations.smolLM2)
    var expected = ModelConfiguration.presets["smollm2-135m"]
    expected?.initializerDeviation = 0.041666666666666664
    expected?.beginToken = 1
    expected?.endTokens = [2]
    #expect(configuration == expected)
  }

  @Test("Llama 3.2")
  func llama32() throws {
    let configuration = try read(ReleasedConfigurations.llama32)
    #expect(configuration.family == .llama)
    #expect(configuration.mixers.count == 16)
    #expect(
      configuration.mixers[15]
        == .attention(AttentionConfiguration(heads: 32, keyValueHeads: 8, headWidth: 64)))
    #expect(
      configuration.rotary
        == RotaryConfiguration(
          theta: 500_000,
          scaling: .llama3(
            factor: 32, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalPositions: 8192)))
    #expect(configuration.endTokens == [128_001, 128_008, 128_009])
    #expect(configuration.tiesEmbeddings)
  }

  @Test("Qwen2.5")
  func qwen25() throws {
    let configuration = try read(ReleasedConfigurations.qwen25)
    var expected = ModelConfiguration.presets["qwen2.5-1.5b"]
    expected?.maximumPositions = 32_768
    expected?.beginToken = 151_643
    expected?.endTokens = [151_645]
    #expect(configuration == expected)
  }

  @Test("Qwen3, whose heads are wider than its width divided among them")
  func qwen3() throws {
    let configuration = try read(ReleasedConfigurations.qwen3)
    #expect(
      configuration.mixers[0]
        == .attention(
          AttentionConfiguration(
            heads: 16, keyValueHeads: 8, headWidth: 128, normalizesQueriesAndKeys: true)))
    #expect(configuration.width == 1024)
  }

  @Test("Jet-Nemotron-2B as its code is released")
  func jetNemotron() throws {
    var expected = ModelConfiguration.jetNemotron2B
    expected.beginToken = 151_643
    expected.endTokens = [151_643]
    #expect(try read(ReleasedConfigurations.jetNemotron) == expected)
  }

  @Test("Positions as transformers 5 writes them")
  func nestedRotary() throws {
    let text = ReleasedConfigurations.qwen3.replacing(
      "\"rope_scaling\": null, \"rope_theta\": 1000000",
      with: "\"rope_parameters\": {\"rope_theta\": 1000000.0, \"rope_type\": \"default\"}")
    #expect(text != ReleasedConfigurations.qwen3)
    #expect(try read(text) == read(ReleasedConfigurations.qwen3))
  }

  @Test(
    "A key that changes the mathematics is refused by its name",
    arguments: [
      "\"attention_bias\": true", "\"mlp_bias\": true", "\"use_sliding_window\": true",
      "\"rope_interleaved\": true", "\"partial_rotary_factor\": 0.5", "\"pretraining_tp\": 2",
      "\"use_mrope\": true", "\"sliding_window\": 4096", "\"num_experts\": 8",
      "\"layer_types\": [\"full_attention\", \"sliding_attention\"]",
      "\"layer_types\": \"full_attention\"", "\"quantization_config\": {\"bits\": 4}",
      "\"attention_multiplier\": 0.5", "\"hidden_act\": \"relu\"", "\"eos_token_id\": -1",
      "\"eos_token_id\": [1, \"2\"]", "\"bos_token_id\": true", "\"rms_norm_eps\": 0",
      "\"rope_theta\": 1e999", "\"rope_scaling\": 2", "\"tie_word_embeddings\": 1",
      "\"head_dim\": 63", "\"num_hidden_layers\": 2.5", "\"vocab_size\": -5",
    ])
  func refused(member: String) throws {
    // Of two equal keys the last one counts.
    let changed = ReleasedConfigurations.smolLM2.dropLast() + ", \(member)}"
    do {
      _ = try read(String(changed))
      Issue.record("the configuration was read")
    } catch let error as CheckpointError {
      #expect(error.description.hasPrefix("config.json"), "\(error)")
    }
  }

  @Test("What says nothing about the mathematics is passed over")
  func harmless() throws {
    let text = ReleasedConfigurations.smolLM2.replacing(
      "{",
      with:
        "{\"max_window_layers\": 3, \"layer_types\": [\"full_attention\"], \"use_sliding_window\": false, "
        + "\"sliding_window\": 9, \"head_dim\": null, \"id2label\": {\"0\": \"a\"}, ",
      maxReplacements: 1)
    #expect(try read(text) == read(ReleasedConfigurations.smolLM2))
  }
}

/// The configurations of released models, in which what does not matter here is left out.
enum ReleasedConfigurations {
  static let smolLM2 = """
    {"architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
    "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 576,
    "initializer_range": 0.041666666666666664, "intermediate_size": 1536, "is_llama_config": true,
    "max_position_embeddings": 8192, "mlp_bias": false, "model_type": "llama",
    "num_attention_heads": 9, "num_hidden_layers": 30, "num_key_value_heads": 3, "pad_token_id": 2,
    "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_interleaved": false, "rope_scaling": null,
    "rope_theta": 100000, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
    "transformers.js_config": {"kv_cache_dtype": {"q4f16": "float16"}}, "transformers_version":
    "4.42.3", "use_cache": true, "vocab_size": 49152}
    """
  static let llama32 = """
    {"architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
    "bos_token_id": 128000, "eos_token_id": [128001, 128008, 128009], "head_dim": 64, "hidden_act":
    "silu", "hidden_size": 2048, "initializer_range": 0.02, "intermediate_size": 8192,
    "max_position_embeddings": 131072, "mlp_bias": false, "model_type": "llama",
    "num_attention_heads": 32, "num_hidden_layers": 16, "num_key_value_heads": 8, "pretraining_tp": 1,
    "rms_norm_eps": 1e-05, "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0,
    "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"},
    "rope_theta": 500000.0, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
    "transformers_version": "4.45.0.dev0", "use_cache": true, "vocab_size": 128256}
    """
  static let qwen25 = """
    {"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643,
    "eos_token_id": 151645, "hidden_act": "silu", "hidden_size": 1536, "initializer_range": 0.02,
    "intermediate_size": 8960, "max_position_embeddings": 32768, "max_window_layers": 21,
    "model_type": "qwen2", "num_attention_heads": 12, "num_hidden_layers": 28,
    "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768,
    "tie_word_embeddings": true, "torch_dtype": "bfloat16", "transformers_version": "4.43.1",
    "use_cache": true, "use_sliding_window": false, "vocab_size": 151936}
    """
  static let qwen3 = """
    {"architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
    "bos_token_id": 151643, "eos_token_id": 151645, "head_dim": 128, "hidden_act": "silu",
    "hidden_size": 1024, "initializer_range": 0.02, "intermediate_size": 3072,
    "max_position_embeddings": 40960, "max_window_layers": 28, "model_type": "qwen3",
    "num_attention_heads": 16, "num_hidden_layers": 28, "num_key_value_heads": 8,
    "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 1000000, "sliding_window": null,
    "tie_word_embeddings": true, "torch_dtype": "bfloat16", "transformers_version": "4.51.0",
    "use_cache": true, "use_sliding_window": false, "vocab_size": 151936}
    """
  static let jetNemotron = """
    {"architectures": ["JetNemotronForCausalLM"], "attention_dropout": 0.0, "auto_map":
    {"AutoConfig": "configuration_jet_nemotron.JetNemotronConfig"}, "bos_token_id": 151643,
    "efficient_attention_config": {"jet": {"conv_size": 4, "dconv_generator_reduction": 8,
    "dconv_implementation": "triton", "expand_v": 2.6666666667, "head_dim": 96, "mode": "chunk",
    "norm_eps": "1e-5", "num_heads": 12}, "swa": {"window_size": 1152}}, "eos_token_id": 151643,
    "hidden_act": "silu", "hidden_size": 1536, "initializer_range": 0.02, "intermediate_size": 8960,
    "layer_types": ["jet", "jet", "jet", "jet", "jet", "jet", "jet", "jet", "jet", "jet", "jet",
    "jet", "jet", "jet", "attn", "jet", "jet", "jet", "jet", "attn", "swa", "swa", "jet", "jet",
    "jet", "jet", "jet", "jet"], "max_position_embeddings": 131072, "max_window_layers": 28,
    "model_type": "jet_nemotron", "num_attention_heads": 12, "num_hidden_layers": 28,
    "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 1000000.0,
    "tie_word_embeddings": true, "torch_dtype": "bfloat16", "transformers_version": "4.51.3",
    "use_cache": true, "use_mrope": false, "vocab_size": 151936}
    """
}
