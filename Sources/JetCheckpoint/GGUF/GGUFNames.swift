/// Names and order of llama.cpp's files.
///
/// - Source: llama.cpp's `gguf-py/gguf/tensor_mapping.py`; the order of rows is `LlamaModel.permute` of
///   `convert_hf_to_gguf.py`.
struct GGUFNames: CheckpointNames {
  /// Channels of a head.
  let headWidth: Int
  /// Whether the rows of query and key alternate between the two halves of a head, as files of the architecture
  /// `llama` have it: llama.cpp rotates neighbours there, where the released code rotates halves.
  let interleavesRows: Bool

  func stored(_ name: String) -> String {
    if let found = Self.outside[name] { return found }
    // model . layers . N . … . weight
    let parts = name.split(separator: ".")
    guard parts.count >= 5, parts[0] == "model", parts[1] == "layers",
      let inside = Self.inside[parts[3..<parts.count - 1].joined(separator: ".")]
    else { return name }
    return "blk.\(parts[2]).\(inside).\(parts[parts.count - 1])"
  }

  func rowOrder(_ name: String, rows: Int) -> [Int]? {
    guard interleavesRows, name.contains(".q_proj.") || name.contains(".k_proj.") else {
      return nil
    }
    let half = headWidth / 2
    return (0..<rows).map { row in
      let (head, channel) = row.quotientAndRemainder(dividingBy: headWidth)
      return head * headWidth + channel % half * 2 + channel / half
    }
  }

  /// The factors of Llama 3's frequencies become part of the configuration.
  func isDerived(_ stored: String, tiesEmbeddings: Bool) -> Bool { stored == Self.factors }

  static let factors = "rope_freqs.weight"

  private static let outside = [
    "model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
  ]

  private static let inside = [
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
  ]
}
