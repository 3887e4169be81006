import JetKernels
import JetModels
import JetTensor

/// A GGUF file put together byte by byte.
struct GGUFBytes {
  enum Value {
    case integer(Int)
    case float(Float)
    case flag(Bool)
    case string(String)
    case strings([String])
  }

  var metadata: [(key: String, value: Value)] = []
  var tensors: [(name: String, shape: [Int], values: [Float])] = []
  var tensorCount: Int?

  /// Sets the value of a key; nil removes it.
  subscript(key: String) -> Value? {
    get { metadata.first { $0.key == key }?.value }
    set {
      metadata.removeAll { $0.key == key }
      if let newValue { metadata.append((key, newValue)) }
    }
  }

  var bytes: [UInt8] {
    var result = Array("GGUF".utf8) + littleEndian(UInt32(3))
    result += littleEndian(UInt64(tensorCount ?? tensors.count))
    result += littleEndian(UInt64(metadata.count))
    for (key, value) in metadata { result += text(key) + encoded(value) }
    var offset = 0
    for tensor in tensors {
      result += text(tensor.name) + littleEndian(UInt32(tensor.shape.count))
      result += tensor.shape.reversed().flatMap { littleEndian(UInt64($0)) }
      result += littleEndian(UInt32(0)) + littleEndian(UInt64(offset))
      offset += padded(tensor.values.count * 4)
    }
    result += [UInt8](repeating: 0, count: padded(result.count) - result.count)
    for tensor in tensors {
      let data = tensor.values.flatMap { littleEndian($0.bitPattern) }
      result += data + [UInt8](repeating: 0, count: padded(data.count) - data.count)
    }
    return result
  }

  private func padded(_ count: Int) -> Int { (count + 31) / 32 * 32 }

  private func text(_ text: String) -> [UInt8] {
    littleEndian(UInt64(text.utf8.count)) + Array(text.utf8)
  }

  private func encoded(_ value: Value) -> [UInt8] {
    switch value {
    case .integer(let number): littleEndian(UInt32(4)) + littleEndian(UInt32(number))
    case .float(let number): littleEndian(UInt32(6)) + littleEndian(number.bitPattern)
    case .flag(let flag): littleEndian(UInt32(7)) + [flag ? 1 : 0]
    case .string(let string): littleEndian(UInt32(8)) + text(string)
    case .strings(let strings):
      littleEndian(UInt32(9)) + littleEndian(UInt32(8)) + littleEndian(UInt64(strings.count))
        + strings.flatMap { text($0) }
    }
  }

  private func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }
}

extension GGUFBytes {
  /// The file that llama.cpp's converter would write of a model, in float32.
  init(_ model: HybridModel) {
    let configuration = model.configuration
    let architecture = configuration.family.rawValue
    guard case .attention(let attention) = configuration.mixers[0] else { return }
    metadata = [
      ("general.architecture", .string(architecture)),
      ("\(architecture).block_count", .integer(configuration.mixers.count)),
      ("\(architecture).context_length", .integer(configuration.maximumPositions)),
      ("\(architecture).embedding_length", .integer(configuration.width)),
      ("\(architecture).feed_forward_length", .integer(configuration.mlpWidth)),
      ("\(architecture).attention.head_count", .integer(attention.heads)),
      ("\(architecture).attention.head_count_kv", .integer(attention.keyValueHeads)),
      ("\(architecture).attention.key_length", .integer(attention.headWidth)),
      ("\(architecture).rope.dimension_count", .integer(attention.headWidth)),
      ("\(architecture).attention.layer_norm_rms_epsilon", .float(Float(configuration.normEps))),
      ("\(architecture).rope.freq_base", .float(Float(configuration.rotary.theta))),
      ("tokenizer.ggml.bos_token_id", .integer(1)), ("tokenizer.ggml.eos_token_id", .integer(2)),
      ("tokenizer.ggml.eot_token_id", .integer(3)),
    ]
    for parameter in model.parameters.parameters {
      var values: [Float] = parameter.tensor.array()
      if architecture == "llama",
        parameter.name.contains("q_proj") || parameter.name.contains("k_proj")
      {
        values = Self.interleaved(values, parameter.tensor.shape, headWidth: attention.headWidth)
      }
      tensors.append((Self.name(parameter.name), parameter.tensor.shape, values))
    }
  }

  /// `reshape(heads, 2, half, …).swapaxes(1, 2)` of the converter, by libtorch's own operations.
  private static func interleaved(
    _ values: [Float], _ shape: [Int], headWidth: Int
  ) -> [Float] {
    Tensor(values, shape: [shape[0] / headWidth, 2, headWidth / 2, values.count / shape[0]])
      .transposed(1, 2).array()
  }

  private static func name(_ released: String) -> String {
    let words = [
      ("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output"),
      ("model.layers", "blk"), ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"),
      ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"),
      ("self_attn.q_norm", "attn_q_norm"), ("self_attn.k_norm", "attn_k_norm"),
      ("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm"),
      ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
    ]
    return words.reduce(released) { $0.replacing($1.0, with: $1.1) }
  }
}
