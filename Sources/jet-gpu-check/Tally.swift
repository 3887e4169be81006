import JetTensor

/// What passed and what failed; prints the errors of each comparison.
struct Tally {
  private(set) var passed = 0
  private(set) var failed = 0

  /// Compares results by `‖result − reference‖ / ‖reference‖` and prints a line with all errors.
  mutating func compare(_ what: String, _ results: [(name: String, Tensor, Tensor, bound: Double)])
  {
    var isGood = true
    let errors = results.map { name, result, reference, bound in
      let error = relativeError(result, reference)
      let passes = error <= bound
      isGood = isGood && passes
      return "\(name) \(scientific(error))\(passes ? "" : " > \(scientific(bound)) FAILED")"
    }
    record(isGood, "\(what): \(errors.joined(separator: ", "))")
  }

  /// Counts something that holds or does not.
  mutating func record(_ holds: Bool, _ what: String) {
    if holds { passed += 1 } else { failed += 1 }
    print("\(holds ? "ok    " : "FAILED") \(what)")
  }
}

/// Relative error in float64 on the CPU; infinite where shapes differ or a number is not finite.
func relativeError(_ result: Tensor, _ reference: Tensor) -> Double {
  guard result.shape == reference.shape else { return .infinity }
  let (a, b) = (result.detached().to(.float64), reference.detached().to(.float64))
  let norm = sqrt((b * b).sum()).item(as: Double.self)
  let distance = sqrt(((a - b) * (a - b)).sum()).item(as: Double.self)
  guard norm.isFinite, distance.isFinite else { return .infinity }
  return norm == 0 ? (distance == 0 ? 0 : .infinity) : distance / norm
}

/// Two digits and a power of ten.
func scientific(_ x: Double) -> String {
  guard x.isFinite, x > 0 else { return "\(x)" }
  var (mantissa, exponent) = (x, 0)
  while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
  while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
  return "\((mantissa * 10).rounded() / 10)e\(exponent)"
}

/// The largest absolute difference; infinite where shapes differ or a number is not finite.
func largestDifference(_ a: Tensor, _ b: Tensor) -> Double {
  guard a.shape == b.shape, a.isFinite, b.isFinite else { return .infinity }
  return abs(a.to(.float64) - b.to(.float64)).max().item(as: Double.self)
}
