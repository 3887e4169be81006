import Foundation

/// Decompositions, compositions and combining classes of the scalars up to Unicode 9.
struct CanonicalData: Sendable {
  /// The data; made at first use.
  static let shared = CanonicalData()

  /// Where canonical decompositions other than those of Hangul syllables are found.
  static let decomposableRanges: [ClosedRange<UInt32>] = [
    0xC0...0x30FF, 0xF900...0xFB4F, 0x11000...0x11FFF, 0x1D100...0x1D1FF, 0x2F800...0x2FA1F,
  ]

  /// Full decompositions, in canonical order.
  private var decompositions: [UInt32: [UInt32]] = [:]
  /// The composite of two scalars, the first in the high half of the key.
  private var compositions: [UInt64: UInt32] = [:]
  private var combiningClasses: [UInt32: UInt8] = [:]
  /// One bit a scalar below 0x20000: not a mark, decomposes to itself, composes with none before.
  private var inert = [UInt64](repeating: .max, count: 0x20000 / 64)

  private enum Hangul {
    static let syllables: ClosedRange<UInt32> = 0xAC00...0xD7A3
    static let leads: ClosedRange<UInt32> = 0x1100...0x1112
    static let vowels: ClosedRange<UInt32> = 0x1161...0x1175
    static let tails: ClosedRange<UInt32> = 0x11A8...0x11C2
    static let vowelCount: UInt32 = 21
    static let tailCount: UInt32 = 28
    static let tailBase: UInt32 = 0x11A7
  }

  private init() {
    for value in (0x300...0x1FFFF) as ClosedRange<UInt32> {
      // Ideographs and Hangul syllables hold no mark.
      if (0x3400...0x4DBF).contains(value) || (0x4E00...0x9FFF).contains(value) { continue }
      if (0xAC00...0xD7A3).contains(value) || (0xE000...0xF8FF).contains(value) { continue }
      guard let scalar = Unicode.Scalar(value) else { continue }
      let order = scalar.properties.canonicalCombiningClass.rawValue
      guard order != 0, Self.isKnown(scalar) else { continue }
      combiningClasses[value] = order
      markReactive(value)
    }
    for value in Self.decomposableRanges.joined() {
      guard let scalar = Unicode.Scalar(value), Self.isKnown(scalar) else { continue }
      let whole = String(scalar)
      let parts = whole.decomposedStringWithCanonicalMapping.unicodeScalars.map(\.value)
      guard parts != [value] else { continue }
      decompositions[value] = parts
      for part in parts.dropFirst() { markReactive(part) }
      if whole.precomposedStringWithCanonicalMapping.unicodeScalars.map(\.value) != [value] {
        markReactive(value)
      } else {
        addComposition(value, of: parts)
      }
    }
    for value in Hangul.vowels { markReactive(value) }
    for value in Hangul.tails { markReactive(value) }
  }

  private static func isKnown(_ scalar: Unicode.Scalar) -> Bool {
    guard let age = scalar.properties.age else { return false }
    return age.major <= 9
  }

  private mutating func markReactive(_ value: UInt32) {
    guard value < 0x20000 else { return }
    inert[Int(value / 64)] &= ~(1 << UInt64(value % 64))
  }

  private mutating func addComposition(_ value: UInt32, of parts: [UInt32]) {
    guard let last = parts.last, parts.count > 1 else { return }
    var prefix = String.UnicodeScalarView()
    for part in parts.dropLast().lazy.compactMap(Unicode.Scalar.init) { prefix.append(part) }
    let first = String(prefix).precomposedStringWithCanonicalMapping.unicodeScalars
    guard let base = first.first, first.count == 1 else { return }
    compositions[UInt64(base.value) << 32 | UInt64(last)] = value
  }

  /// Whether the scalar, wherever it stands, begins a segment of its own under normalization.
  @inline(__always)
  func isInert(_ value: UInt32) -> Bool {
    if value < 0x20000 { return inert[Int(value / 64)] >> UInt64(value % 64) & 1 == 1 }
    return !(0x2F800...0x2FA1F).contains(value)
  }

  /// The canonical combining class; 0 for starters.
  func combiningClass(_ value: UInt32) -> UInt8 {
    combiningClasses[value] ?? 0
  }

  /// Appends the full canonical decomposition of a scalar.
  func appendDecomposition(of value: UInt32, to result: inout [UInt32]) {
    if Hangul.syllables.contains(value) {
      let index = value - Hangul.syllables.lowerBound
      let lead = index / (Hangul.vowelCount * Hangul.tailCount)
      let vowel = index / Hangul.tailCount % Hangul.vowelCount
      let tail = index % Hangul.tailCount
      result.append(Hangul.leads.lowerBound + lead)
      result.append(Hangul.vowels.lowerBound + vowel)
      if tail != 0 { result.append(Hangul.tailBase + tail) }
    } else if let parts = decompositions[value] {
      result.append(contentsOf: parts)
    } else {
      result.append(value)
    }
  }

  /// The primary composite of two scalars, or nil.
  func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if Hangul.leads.contains(first), Hangul.vowels.contains(second) {
      let lead = first - Hangul.leads.lowerBound
      let vowel = second - Hangul.vowels.lowerBound
      return Hangul.syllables.lowerBound
        + (lead * Hangul.vowelCount + vowel) * Hangul.tailCount
    }
    if Hangul.syllables.contains(first), Hangul.tails.contains(second),
      (first - Hangul.syllables.lowerBound) % Hangul.tailCount == 0
    {
      return first + (second - Hangul.tailBase)
    }
    return compositions[UInt64(first) << 32 | UInt64(second)]
  }
}
