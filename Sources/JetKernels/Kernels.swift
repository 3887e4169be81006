internal import CJetKernels
internal import JetTensor

/// Our own operators, each looked up once. Their schemas are in `CJetKernels/Library.cpp`.
enum Kernels {
  static let addRMSNorm = find("add_rms_norm")
  static let convolutionStep = find("convolution_step")
  static let dynamicConvolution = find("dynamic_convolution")
  static let downloadFinish = find("download_finish")
  static let downloadStart = find("download_start")
  static let gatedDeltaRule = find("gated_delta_rule")
  static let gatedDeltaRuleChunked = find("gated_delta_rule_chunked")
  static let gatedDeltaRuleStep = find("gated_delta_rule_step")
  static let gatedRMSNorm = find("gated_rms_norm")
  static let generatedConvolution = find("generated_convolution")
  static let graphAbandon = find("graph_abandon")
  static let graphBegin = find("graph_begin")
  static let graphEnd = find("graph_end")
  static let graphRelease = find("graph_release")
  static let graphReplay = find("graph_replay")
  static let headStep = find("head_step")
  static let jetBlockStep = find("jet_block_step")
  static let layersStep = find("layers_step")
  static let linearStep = find("linear_step")
  static let pagedAttentionStep = find("paged_attention_step")
  static let recurrentStep = find("recurrent_step")
  static let rmsNorm = find("rms_norm")
  static let rotary = find("rotary")
  static let rotaryStep = find("rotary_step")
  static let sampleStep = find("sample_step")
  static let setTraces = find("set_traces")
  static let swiGLU = find("swiglu")
  static let tokenShiftStep = find("token_shift_step")

  private static func find(_ name: String) -> Operator {
    // Keeps the linker from dropping the library, whose operators register themselves.
    jet_kernels_link()
    return Operator("jet::\(name)")
  }
}
