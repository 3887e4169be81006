public import JetTensor

/// The shape of a linear mixer, and the making of it.
public protocol LinearMixerConfiguration: Codable, Hashable, Sendable {
  /// The name in the `layer_types` of a configuration and on the command line.
  static var kind: String { get }

  /// What the mixer carries from token to token.
  var stateSizes: RecurrentStateSizes { get }

  /// The name for people.
  static var title: String { get }

  /// How many numbers its parameters hold in a model of that width.
  func parameterCount(width: Int) -> Int

  /// Products with the memory that a token takes: one for each read and each write of it.
  static var memoryProducts: Int { get }

  /// Checks that such a mixer can exist.
  ///
  /// - Throws: ``ModelError`` naming the value and what was expected.
  func validate() throws

  /// The mixer with the parameters at `path`.
  func makeMixer(_ model: ModelConfiguration, _ path: ParameterPath) throws -> any LinearMixer
}

extension LinearMixerConfiguration {
  /// Channels of the keys of all heads.
  var keyChannels: Int { stateSizes.heads * stateSizes.keyWidth }

  /// Channels of the values of all heads.
  var valueChannels: Int { stateSizes.heads * stateSizes.valueWidth }

  /// The state before the first token.
  public func state(sequences: Int, dtype: DType, device: Device) -> RecurrentState {
    RecurrentState(stateSizes, sequences: sequences, dtype: dtype, device: device)
  }

  /// Checks the sizes of the state, within bounds that no real model passes.
  func validateSizes() throws {
    let sizes = stateSizes
    let bounds = 1...65_536
    guard bounds.contains(sizes.heads), bounds.contains(sizes.keyWidth),
      bounds.contains(sizes.valueWidth), (1...64).contains(sizes.windowTaps)
    else {
      throw ModelError(
        "a layer of kind \(Self.kind) with \(sizes.heads) heads, key width \(sizes.keyWidth), value width "
          + "\(sizes.valueWidth) and \(sizes.windowTaps) taps cannot be built; expected positive sizes and at most "
          + "64 taps")
    }
    try expectCountable(sizes.heads * max(sizes.keyWidth, sizes.valueWidth))
  }
}
