import ArgumentParser
import JetModels
import JetTraining

/// The mixers that a student can get in place of attention, each with heads like the teacher's.
enum TrainingStudent: String, ExpressibleByArgument, CaseIterable {
  case gatedDeltaNet = "gated_deltanet"
  case jet
  case deltaNet = "deltanet"
  case gla
  case retNet = "retnet"
  case mamba2
  case rwkv7

  /// The mixer with the heads and widths of the first attention layer of `teacher`.
  ///
  /// - Throws: ``CommandError`` for a teacher without attention.
  func configuration(like teacher: ModelConfiguration) throws -> MixerConfiguration {
    for mixer in teacher.mixers {
      guard case .attention(let attention) = mixer else { continue }
      let (heads, width) = (attention.heads, attention.headWidth)
      return switch self {
      case .gatedDeltaNet: .gatedDeltaNet(like: attention)
      case .jet: .jet(JetBlockConfiguration(heads: heads, keyWidth: width, valueWidth: width))
      case .deltaNet:
        .deltaNet(DeltaNetConfiguration(heads: heads, keyWidth: width, valueWidth: width))
      case .gla: .gla(GLAConfiguration(heads: heads, keyWidth: width, valueWidth: width))
      case .retNet: .retNet(RetNetConfiguration(heads: heads, keyWidth: width, valueWidth: width))
      case .mamba2: .mamba2(Mamba2Configuration(heads: heads, keyWidth: width, valueWidth: width))
      case .rwkv7:
        .rwkv7(
          RWKV7Configuration(
            heads: heads, keyWidth: width, valueWidth: width, width: teacher.width))
      }
    }
    throw CommandError(
      "The teacher has no attention layer, so there is nothing that a \(rawValue) student could "
        + "learn from it; give a Transformer.")
  }
}
