import JetTensor
import JetTestSupport
import Testing

/// Expects the gradients of `operation` to be the differences of `definition`, for all inputs and all results.
///
/// Five-point differences with h = 1/16: the error of the formula, h⁴/30 of the fifth derivative, is then about as
/// large as what the rounding of float32 results leaves, 10⁻⁵.
func expectGradients(
  at inputs: [Tensor], of operation: ([Tensor]) -> [Tensor], definition: ([Tensor]) -> [Tensor],
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let generator = Generator(seed: 99)
  let seeds = withoutGradients { definition(inputs) }
    .map { Tensor.randomNormal($0.shape, generator: generator) }
  func loss(_ x: [Tensor]) -> Double {
    zip(definition(x), seeds).reduce(0) { sum, pair in
      sum + (pair.0.to(.float64) * pair.1.to(.float64)).sum().item(as: Double.self)
    }
  }
  let leaves = inputs.map { $0.clone().requiringGradient() }
  let found = gradients(of: operation(leaves), by: leaves, seeds: seeds)
  let step: Float = 0.0625
  for (index, input) in inputs.enumerated() {
    let values = input.array(of: Float.self)
    let differences = withoutGradients {
      values.indices.map { element in
        func moved(_ steps: Float) -> Double {
          var (x, changed) = (inputs, values)
          changed[element] += steps * step
          x[index] = Tensor(changed, shape: input.shape)
          return loss(x)
        }
        let near = moved(1) - moved(-1)
        return Float((8 * near - (moved(2) - moved(-2))) / (12 * Double(step)))
      }
    }
    guard let gradient = found[index] else {
      Issue.record("input \(index) has no gradient", sourceLocation: sourceLocation)
      continue
    }
    expectNear(
      gradient, near: Tensor(differences, shape: input.shape), Bound.differences,
      "gradient of input \(index)", sourceLocation: sourceLocation)
  }
}
