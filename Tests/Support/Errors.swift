public import JetTensor

/// `‖result − reference‖ / ‖reference‖` in float64; infinite where shapes differ or a number is not finite.
public func relativeError(_ result: Tensor, _ reference: Tensor) -> Double {
  guard result.shape == reference.shape, result.isFinite, reference.isFinite else {
    return .infinity
  }
  let (a, b) = (result.to(.float64), reference.to(.float64))
  let norm = sqrt((b * b).sum()).item(as: Double.self)
  let distance = sqrt(((a - b) * (a - b)).sum()).item(as: Double.self)
  return norm == 0 ? (distance == 0 ? 0 : .infinity) : distance / norm
}

/// The largest absolute difference; infinite where shapes differ or a number is not finite.
public func largestDifference(_ result: Tensor, _ reference: Tensor) -> Double {
  guard result.shape == reference.shape, result.isFinite, reference.isFinite else {
    return .infinity
  }
  return abs(result.to(.float64) - reference.to(.float64)).max().item(as: Double.self)
}
