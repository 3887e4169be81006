import JetModels

extension HybridModel {
  /// Floating-point operations of some layers' mixers, forward, on sequences from their beginning.
  func mixerOperations(_ layers: some Sequence<Int>, sequences: Int, length: Int) -> Double {
    layers.reduce(0) {
      $0 + Double(sequences)
        * configuration.mixerOperations(configuration.mixers[$1], tokens: length)
    }
  }

  /// Floating-point operations of `layers` MLPs, forward.
  func mlpOperations(layers: Int, tokens: Int) -> Double {
    2 * Double(tokens) * Double(layers) * Double(3 * configuration.width * configuration.mlpWidth)
  }

  /// Floating-point operations of the head, forward.
  func headOperations(tokens: Int) -> Double {
    2 * Double(tokens) * Double(configuration.vocabularySize) * Double(configuration.width)
  }
}
