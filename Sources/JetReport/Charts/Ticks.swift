import Foundation

/// Round numbers at which an axis is marked.
enum Ticks {
  /// Multiples of 1, 2, 2.5 or 5 times a power of ten that cover `low...high`, about `count` of them.
  ///
  /// Equal or swapped limits are spread first. The first is at most `low`, the last at least `high`.
  ///
  /// - Parameter isWhole: whether only whole numbers are marked, as for counts.
  static func linear(
    _ low: Double, _ high: Double, count: Int = 5, isWhole: Bool = false
  ) -> [Double] {
    let (low, high) = spread(low, high)
    guard (high - low).isFinite else { return [low, high] }
    let rough = (high - low) / Double(max(count - 1, 1))
    let power = pow(10, log10(rough).rounded(.down))
    let round = isWhole ? [1, 2, 5, 10] : [1, 2, 2.5, 5, 10]
    let nice = (round.first { $0 * power >= rough * 0.999 } ?? 10) * power
    let step = isWhole ? max(nice, 1) : nice
    let first = (low / step + 1e-9).rounded(.down)
    let last = (high / step - 1e-9).rounded(.up)
    guard step > 0, step.isFinite, last - first < 100 else { return [low, high] }
    return stride(from: first, through: last, by: 1).map { $0 * step }
  }

  /// Numbers 1, 2 and 5 times a power of ten, or powers of ten alone where that is enough, that cover `low...high`.
  ///
  /// - Precondition: both are positive.
  static func logarithmic(_ low: Double, _ high: Double, count: Int = 6) -> [Double] {
    precondition(low > 0 && high > 0, "a logarithmic axis from \(low) to \(high)")
    let low = min(low, high)
    let high = max(low, high)
    let first = Int(log10(low).rounded(.down))
    let last = Int(log10(high).rounded(.up))
    let decades = max(last - first, 1)
    if decades > 3 {
      let skip = max((decades + count - 1) / count, 1)
      let end = first + (decades + skip - 1) / skip * skip
      return stride(from: first, through: end, by: skip).map { pow(10, Double($0)) }
    }
    let marks = (first...first + decades).flatMap { power in
      [1, 2, 5].map { $0 * pow(10, Double(power)) }
    }
    let from = marks.lastIndex { $0 <= low * (1 + 1e-9) } ?? 0
    var to = marks.firstIndex { $0 >= high * (1 - 1e-9) } ?? marks.count - 1
    if to == from { to = min(from + 1, marks.count - 1) }
    return Array(marks[min(from, to)...to])
  }

  /// Powers of two, or of four, sixteen and so on where they are too many, that cover `low...high`.
  ///
  /// - Precondition: both are positive.
  static func powersOfTwo(_ low: Double, _ high: Double, count: Int = 8) -> [Double] {
    precondition(low > 0 && high > 0, "a logarithmic axis from \(low) to \(high)")
    let first = Int((log2(min(low, high)) + 1e-9).rounded(.down))
    let last = max(Int((log2(max(low, high)) - 1e-9).rounded(.up)), first + 1)
    let skip = max((last - first + count - 1) / count, 1)
    let end = first + (last - first + skip - 1) / skip * skip
    return stride(from: first, through: end, by: skip).map { pow(2, Double($0)) }
  }

  /// Limits that differ: equal ones are spread by a twentieth, or by a half around 0.
  private static func spread(_ low: Double, _ high: Double) -> (Double, Double) {
    let (least, most) = (min(low, high), max(low, high))
    let isWide = most - least > max(least.magnitude, most.magnitude) * 1e-12
    guard !isWide else { return (least, most) }
    let margin = least == 0 ? 0.5 : least.magnitude / 20
    return (least - margin, most + margin)
  }
}
