import Foundation

/// An axis: a scale, its ticks and how they are written.
struct Axis: Hashable {
  /// How numbers become places.
  enum Scale: Hashable {
    /// Equal steps at equal distances.
    case linear
    /// Equal factors at equal distances, marked at 1, 2 and 5.
    case logarithmic
    /// Equal factors at equal distances, marked at powers of two.
    case powersOfTwo
  }

  /// How its numbers are written.
  enum Format: Hashable {
    /// As they are.
    case number
    /// With a prefix of the thousands.
    case prefixed
    /// As bytes.
    case bytes
    /// As tokens of a context: `4 K` are 4,096.
    case context

    /// A number in this format.
    func text(_ value: Double) -> String {
      switch self {
      case .number: NumberText.number(value)
      case .prefixed: NumberText.prefixed(value, digits: 5)
      case .bytes: NumberText.bytes(value, digits: 5)
      case .context: NumberText.context(value)
      }
    }
  }

  /// What stands beside it, with its unit.
  var label: String
  /// How numbers become places.
  var scale: Scale
  /// How its numbers are written.
  var format: Format
  /// Where it is marked, ascending; the first and the last are its ends.
  var ticks: [Double]

  /// An axis that covers the values that can be drawn: finite ones, on a logarithmic scale positive ones.
  ///
  /// - Parameter from: a number that it covers as well, such as 0 for bars.
  init(
    _ label: String, _ values: [Double], scale: Scale = .linear, format: Format = .number,
    from: Double? = nil, count: Int = 5, isWhole: Bool = false
  ) {
    self.label = label
    self.scale = scale
    self.format = format
    let drawn = (values + [from].compactMap(\.self)).filter { Self.isDrawn($0, scale) }
    let (low, high) = (drawn.min() ?? 1, drawn.max() ?? 1)
    switch scale {
    case .linear: ticks = Ticks.linear(low, high, count: count, isWhole: isWhole)
    case .logarithmic: ticks = Ticks.logarithmic(low, high)
    case .powersOfTwo: ticks = Ticks.powersOfTwo(low, high)
    }
  }

  /// Logarithmic where all values are positive and the largest is at least `factor` times the least.
  static func scale(for values: [Double], factor: Double) -> Scale {
    let finite = values.filter(\.isFinite)
    guard let low = finite.min(), let high = finite.max(), low > 0 else { return .linear }
    return high / low >= factor ? .logarithmic : .linear
  }

  /// What is written at a tick; on a linear axis all have equally many decimals.
  func text(_ tick: Double) -> String {
    guard scale == .linear, format == .number else { return format.text(tick) }
    let texts = ticks.map(format.text)
    let decimals = texts.map { $0.split(separator: ".").dropFirst().first?.count ?? 0 }.max() ?? 0
    guard texts.allSatisfy({ !$0.contains("e") }) else { return format.text(tick) }
    return NumberText.fixed(tick, decimals: decimals)
  }

  /// The place of a number, 0 at the first tick and 1 at the last; nil where it has none.
  func place(_ value: Double) -> Double? {
    guard Self.isDrawn(value, scale), let first = ticks.first, let last = ticks.last, first < last
    else { return nil }
    if scale == .linear { return (value - first) / (last - first) }
    return log(value / first) / log(last / first)
  }

  /// Whether a number has a place; those at the limits of `Double` have none.
  private static func isDrawn(_ value: Double, _ scale: Scale) -> Bool {
    value.magnitude <= 1e300 && (scale == .linear || value >= 1e-300)
  }
}
