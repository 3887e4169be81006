/// The middle of repeated measurements, and how far they lie apart.
struct Spread: Codable, Equatable {
  let median: Double
  let minimum: Double
  let maximum: Double

  /// - Precondition: there is at least one value.
  init(_ values: [Double]) {
    precondition(!values.isEmpty, "the spread of no values")
    let sorted = values.sorted()
    let middle = sorted.count / 2
    median =
      sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    (minimum, maximum) = (sorted[0], sorted[sorted.count - 1])
  }
}
