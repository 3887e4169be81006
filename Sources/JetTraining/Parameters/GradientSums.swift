public import JetTensor

/// The gradients of all trained leaves, summed in float32 over the batches of a step.
public final class GradientSums {
  /// One for each leaf; nil where nothing was added.
  public private(set) var sums: [Tensor?]

  /// Nothing yet, for a number of leaves.
  public init(count: Int) { sums = Array(repeating: nil, count: count) }

  /// Adds gradients of the leaves at `indices`.
  public func add(_ gradients: [Tensor?], at indices: [Int]) {
    withoutGradients {
      for (gradient, index) in zip(gradients, indices) {
        guard let gradient else { continue }
        if let sum = sums[index] {
          sum.add(gradient)
        } else {
          // A gradient may share memory with another or repeat an element; a sum is changed in place.
          sums[index] = gradient.dtype == .float32 ? gradient.clone() : gradient.float32
        }
      }
    }
  }

  /// Forgets all of them.
  public func clear() { sums = Array(repeating: nil, count: sums.count) }
}
