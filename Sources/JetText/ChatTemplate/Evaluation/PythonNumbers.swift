import Foundation

/// Python's writing and reading of numbers.
enum PythonNumbers {
  /// Returns `repr` of a float: the shortest digits that read back, with an exponent below 1e-4
  /// and from 1e16 on.
  static func representation(of number: Double) -> String {
    if number.isNaN { return "nan" }
    if number.isInfinite { return number < 0 ? "-inf" : "inf" }
    if number == 0 { return number.sign == .minus ? "-0.0" : "0.0" }
    // Swift writes the same shortest digits, but puts the exponent elsewhere.
    var mantissa = Substring(number.magnitude.description)
    var exponent = 0
    if let mark = mantissa.firstIndex(of: "e") {
      exponent = Int(mantissa[mantissa.index(after: mark)...]) ?? 0
      mantissa = mantissa[..<mark]
    }
    let parts = mantissa.split(separator: ".", omittingEmptySubsequences: false)
    let whole = parts[0]
    var digits = String(whole) + (parts.count > 1 ? String(parts[1]) : "")
    var point = whole.count + exponent
    let leadingZeros = digits.prefix { $0 == "0" }.count
    digits.removeFirst(leadingZeros)
    point -= leadingZeros
    while digits.hasSuffix("0") { digits.removeLast() }
    return (number < 0 ? "-" : "") + written(digits, point: point)
  }

  /// Writes `0.digits × 10^point`.
  private static func written(_ digits: String, point: Int) -> String {
    if point > 16 || point < -3 {
      let exponent = point - 1
      let size = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
      let fraction = digits.dropFirst()
      return digits.prefix(1) + (fraction.isEmpty ? "" : ".\(fraction)")
        + (exponent < 0 ? "e-" : "e+") + size
    }
    if point <= 0 { return "0." + String(repeating: "0", count: -point) + digits }
    if point >= digits.count {
      return digits + String(repeating: "0", count: point - digits.count) + ".0"
    }
    return digits.prefix(point) + "." + digits.dropFirst(point)
  }

  /// Returns the whole number that Python's `int` reads, `nil` where it reads none.
  static func integer(_ text: String, base: Int = 10) -> Int? {
    guard base == 0 || (2...36).contains(base) else { return nil }
    var digits = Substring(trimmed(text)).lowercased()[...]
    let isNegative = digits.hasPrefix("-")
    if isNegative || digits.hasPrefix("+") { digits.removeFirst() }
    var radix = base == 0 ? 10 : base
    for (prefix, value) in [("0x", 16), ("0o", 8), ("0b", 2)]
    where digits.hasPrefix(prefix) && (base == 0 || base == value) {
      digits.removeFirst(2)
      radix = value
      if digits.hasPrefix("_") { digits.removeFirst() }
    }
    guard let plain = withoutUnderscores(digits), plain.utf8.allSatisfy(isAlphanumeric) else {
      return nil
    }
    return Int((isNegative ? "-" : "") + plain, radix: radix)
  }

  /// Returns the number that Python's `float` reads, `nil` where it reads none.
  static func double(_ text: String) -> Double? {
    let trimmed = trimmed(text).lowercased()
    let unsigned = trimmed.drop { $0 == "-" || $0 == "+" }
    guard trimmed.count - unsigned.count <= 1 else { return nil }
    let sign: Double = trimmed.hasPrefix("-") ? -1 : 1
    if unsigned == "nan" { return .nan }
    if unsigned == "inf" || unsigned == "infinity" { return sign * .infinity }
    guard let plain = withoutUnderscores(unsigned),
      plain.utf8.allSatisfy({ (0x30...0x39).contains($0) || ".e+-".utf8.contains($0) }),
      plain.utf8.contains(where: { (0x30...0x39).contains($0) })
    else { return nil }
    // `strtod` takes "1." and ".5" as Python does; the whole text must be read.
    return plain.withCString { start in
      var end: UnsafeMutablePointer<CChar>?
      let number = strtod(start, &end)
      return end.map { $0.pointee == 0 } == true ? sign * number : nil
    }
  }

  private static func trimmed(_ text: String) -> String {
    let scalars = text.unicodeScalars
    let start = scalars.drop(while: isPythonSpace)
    let end = start.reversed().drop(while: isPythonSpace)
    var result = String.UnicodeScalarView()
    result.append(contentsOf: end.reversed())
    return String(result)
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
  }

  /// Takes away underscores, each of which must stand between two digits.
  private static func withoutUnderscores(_ text: Substring) -> String? {
    guard text.contains("_") else { return text.isEmpty ? nil : String(text) }
    let parts = text.split(separator: "_", omittingEmptySubsequences: false)
    guard
      parts.allSatisfy({ part in
        guard let first = part.utf8.first, let last = part.utf8.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
      })
    else { return nil }
    return parts.joined()
  }

  /// Returns Python's `round(number, places)`: to the nearest decimal, ties to the even digit.
  static func rounded(_ number: Double, places: Int) -> Double {
    guard number.isFinite, number != 0 else { return number }
    if places == 0 { return number.rounded(.toNearestOrEven) }
    if places > 0 {
      guard places <= 330 else { return number }
      return Double(String(format: "%.\(places)f", number)) ?? number
    }
    guard places >= -308 else { return 0 * number }
    let power = pow(10, Double(-places))
    return (number / power).rounded(.toNearestOrEven) * power
  }
}
