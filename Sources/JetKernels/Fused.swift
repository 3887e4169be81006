internal import CJetFused
internal import JetTensor

/// Our operators for NVIDIA GPUs, all with gradients, each looked up once. Their schemas are in `CJetFused/Library.cpp`.
enum Fused {
  static let addRMSNorm = find("add_rms_norm")
  static let decayGates = find("decay_gates")
  static let decayTriangle = find("decay_triangle")
  static let dynamicConvolution = find("dynamic_convolution")
  static let gatedRMSNorm = find("gated_rms_norm")
  static let logitLoss = find("logit_loss")
  static let pieces = find("pieces")
  static let relativeError = find("relative_error")
  static let rmsNorm = find("rms_norm")
  static let rotary = find("rotary")
  static let shortConvolution = find("short_convolution")
  static let swiGLU = find("swiglu")
  static let unitLowerInverse = find("unit_lower_inverse")

  /// The longest row that is normalized.
  static let widestRow = 2048
  /// The most heads of a memory's gates.
  static let mostHeads = 256
  /// The most pieces that a merged product is cut into.
  static let mostPieces = 16
  /// The most tokens of a triangle of decays.
  static let widestTriangle = 104

  /// Whether the kernels normalize rows of `width`.
  static func normalizes(width: Int) -> Bool { width.isMultiple(of: 4) && width <= widestRow }

  /// Whether the kernels convolve that many channels with that many taps.
  static func convolves(channels: Int, taps: Int) -> Bool {
    channels.isMultiple(of: 4) && taps == 4
  }

  private static func find(_ name: String) -> Operator {
    // Keeps the linker from dropping the library, whose operators register themselves.
    jet_fused_link()
    return Operator("jet_fused::\(name)")
  }
}
