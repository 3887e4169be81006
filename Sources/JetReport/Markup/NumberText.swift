import Foundation

/// Numbers as they are printed: with the digits that their errors allow, and with units.
enum NumberText {
  /// What stands where there is no number.
  static let dash = "–"

  /// A value with its standard error, whose two leading digits tell how many digits the value has: `46.5 ± 3.5`.
  static func text(_ estimate: Estimate?, signed: Bool = false) -> String {
    guard let estimate, let value = estimate.shown else { return dash }
    let unit = estimate.unit == .fraction ? " %" : ""
    guard let error = estimate.shownError else {
      return number(value, digits: 4, signed: signed) + unit
    }
    guard error > 1e-7, max(error, value.magnitude) < 1e15 else {
      return number(value, digits: 4, signed: signed) + " ± " + number(error, digits: 2) + unit
    }
    let decimals = max(1 - exponent(error), 0)
    return fixed(value, decimals: decimals, signed: signed) + " ± "
      + fixed(error, decimals: decimals) + unit
  }

  /// A number with at most some significant digits, without zeros at its end: `1,234`, `0.0125`, `3.2e-09`.
  static func number(_ value: Double?, digits: Int = 4, signed: Bool = false) -> String {
    guard let value, value.isFinite else { return dash }
    guard value != 0 else { return "0" }
    let size = exponent(value)
    if size < -4 || size > 14 {
      return withMinus(String(format: signed ? "%+.\(digits - 1)e" : "%.\(digits - 1)e", value))
    }
    return trimmed(fixed(value, decimals: max(digits - 1 - size, 0), signed: signed))
  }

  /// A count with all its digits: `1,234,567`.
  static func count(_ value: Int?) -> String {
    guard let value else { return dash }
    return (value < 0 ? "−" : "") + grouped(String(value.magnitude))
  }

  /// A number with a prefix of the thousands: `134.5 M`.
  static func prefixed(_ value: Double?, unit: String = "", digits: Int = 3) -> String {
    scaled(
      value, step: 1_000, prefixes: ["", "k", "M", "G", "T", "P", "E"], unit: unit, digits: digits)
  }

  /// Bytes in powers of 1,024: `4.5 MiB`.
  static func bytes(_ value: Double?, digits: Int = 3) -> String {
    scaled(
      value, step: 1_024, prefixes: ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"], unit: "B",
      digits: digits)
  }

  /// Bytes in powers of 1,024: `4.5 MiB`.
  static func bytes(_ value: Int?) -> String { bytes(value.map(Double.init)) }

  /// Tokens of a context in powers of 1,024 where they are such: `4 K`, `1 M`.
  static func context(_ value: Double) -> String {
    guard value.isFinite else { return dash }
    let isWhole = value >= 1_024 && value.truncatingRemainder(dividingBy: 1_024) == 0
    guard isWhole else { return number(value, digits: 6) }
    let isLarge = value.truncatingRemainder(dividingBy: 1_048_576) == 0
    return isLarge ? number(value / 1_048_576) + " M" : number(value / 1_024) + " K"
  }

  /// A time: `0.25 s`, `3 min 20 s`, `2 h 5 min`.
  static func duration(_ seconds: Double?) -> String {
    guard let seconds, seconds.isFinite, seconds >= 0, seconds < 1e12 else { return dash }
    if seconds < 59.95 { return number(seconds, digits: 3) + " s" }
    let whole = Int(seconds.rounded())
    if whole < 3_600 { return joined(whole / 60, "min", whole % 60, "s") }
    return joined(whole / 3_600, "h", whole % 3_600 / 60, "min")
  }

  private static func joined(_ large: Int, _ unit: String, _ small: Int, _ part: String) -> String {
    "\(count(large)) \(unit)" + (small == 0 ? "" : " \(small) \(part)")
  }

  private static func scaled(
    _ value: Double?, step: Double, prefixes: [String], unit: String, digits: Int
  ) -> String {
    guard var value, value.isFinite else { return dash }
    var prefix = 0
    while value.magnitude >= step * 0.9995, prefix < prefixes.count - 1 {
      value /= step
      prefix += 1
    }
    let name = prefixes[prefix] + unit
    return number(value, digits: value.magnitude >= 999.5 ? 4 : digits)
      + (name.isEmpty ? "" : " " + name)
  }

  /// The exponent of the leading digit.
  private static func exponent(_ value: Double) -> Int {
    Int(log10(value.magnitude).rounded(.down))
  }

  /// With a fixed number of decimals and groups of three digits.
  static func fixed(_ value: Double, decimals: Int, signed: Bool = false) -> String {
    guard value.isFinite else { return dash }
    let text = String(format: "%.\(decimals)f", value.magnitude)
    let isZero = !text.contains { $0 != "0" && $0 != "." }
    let sign = isZero ? "" : value < 0 ? "−" : signed ? "+" : ""
    let parts = text.split(separator: ".", maxSplits: 1)
    return sign + grouped(String(parts[0])) + (parts.count > 1 ? "." + parts[1] : "")
  }

  private static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var text = text
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text
  }

  private static func grouped(_ digits: String) -> String {
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { result += "," }
      result.append(digit)
    }
    return result
  }

  private static func withMinus(_ text: String) -> String {
    text.hasPrefix("-") ? "−" + text.dropFirst() : text
  }
}
