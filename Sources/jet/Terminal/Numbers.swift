import Foundation

/// Numbers as people read them; the same in every locale.
enum Numbers {
  /// `1234567` as `1,234,567`.
  static func grouped(_ number: Int) -> String {
    var result = ""
    let digits = String(number.magnitude)
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { result.append(",") }
      result.append(digit)
    }
    return number < 0 ? "-" + result : result
  }

  /// Three or so digits: `0.123`, `12.3`, `1,234`.
  static func short(_ number: Double) -> String {
    switch abs(number) {
    case ..<1: String(format: "%.3f", number)
    case ..<10: String(format: "%.2f", number)
    case ..<100: String(format: "%.1f", number)
    case ..<1e15: grouped(Int(number.rounded()))
    default: String(format: "%.3g", number)
    }
  }

  /// Bytes in units of a thousand: `93.1 MB`.
  static func bytes(_ count: Int) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"]
    var (value, unit) = (Double(count), 0)
    while value >= 1000, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
    return unit == 0 ? "\(count) bytes" : "\(short(value)) \(units[unit])"
  }
}
