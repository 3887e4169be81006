import JetTensor

@testable import JetTraining

/// A batch of random tokens below 99, each the target of the one before; the last of a row has none.
func randomBatch(_ sequences: Int, _ length: Int, seed: UInt64) -> PackedBatch {
  var generator = SplitMix64(seed: seed)
  return PackedBatch(
    (0..<sequences).map { _ in
      let inputs = (0..<length).map { _ in Int(generator.next() % 99) }
      return TokenSequence(inputs: inputs, targets: inputs.dropFirst() + [-1], starts: [0])
    })
}
