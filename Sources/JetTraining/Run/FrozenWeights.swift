import JetModels
import JetTensor

/// What a run's result depends on beside its checkpoint: the weights that it reads and does not train.
enum FrozenWeights {
  /// A number that changes with any name, shape, type or byte of the models' frozen parameters, as 16 hexadecimal digits.
  ///
  /// All bytes are read once, those of a GPU by way of the processor's memory, so that it is the same on any device.
  /// What is trained is known by asking for gradients.
  static func fingerprint(of models: [HybridModel]) throws -> String {
    var sum = Checksum()
    for model in models {
      for (tensor, names) in zip(model.parameters.leaves, model.parameters.leafNames)
      where !tensor.requiresGradient {
        for name in names {
          sum.add(name.utf8)
          sum.add([0])
        }
        sum.add("\(tensor.dtype)".utf8)
        for size in tensor.shape { sum.add(size) }
        let plain = try withTorchErrors { tensor.detached().to(.cpu).contiguous() }
        plain.withBytes { sum.addWords($0) }
      }
    }
    let digits = String(sum.value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
