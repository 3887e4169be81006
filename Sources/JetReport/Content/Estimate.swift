/// A measured number with its standard error.
///
/// A value that is absent, infinite or no number is printed as a dash.
public struct Estimate: Codable, Hashable, Sendable {
  /// How a number is printed.
  public enum Unit: String, Codable, Hashable, Sendable {
    /// As it is.
    case number
    /// A part of one, in percent.
    case fraction
  }

  /// The number, in the unit's own scale: a fraction is between 0 and 1.
  public var value: Double
  /// Its standard error in the same scale; nil where it is not known.
  public var standardError: Double?
  /// How both are printed.
  public var unit: Unit

  /// A number with its standard error.
  public init(_ value: Double, standardError: Double? = nil, unit: Unit = .number) {
    self.value = value
    self.standardError = standardError
    self.unit = unit
  }

  /// What the number is multiplied by before it is shown.
  private var factor: Double { unit == .fraction ? 100 : 1 }

  /// The value as it is shown; nil when it is not finite.
  var shown: Double? {
    let shown = value * factor
    return shown.isFinite ? shown : nil
  }

  /// The standard error as it is shown; nil when it is unknown, negative or not finite.
  var shownError: Double? {
    guard let error = standardError.map({ $0 * factor }), error.isFinite, error >= 0 else {
      return nil
    }
    return error
  }

  /// `self / other` of two independent numbers: the relative errors add as squares. Nil where it is not finite.
  func ratio(to other: Estimate) -> Estimate? {
    let ratio = value / other.value
    guard ratio.isFinite else { return nil }
    guard let error = standardError, let otherError = other.standardError, value != 0 else {
      return Estimate(ratio)
    }
    let squares =
      error / value * (error / value) + otherError / other.value * (otherError / other.value)
    return Estimate(ratio, standardError: (squares.squareRoot() * ratio).magnitude)
  }
}
