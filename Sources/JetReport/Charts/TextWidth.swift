/// How wide a text is in a picture, estimated, since only the browser knows the font.
enum TextWidth {
  /// The width of a text, a little too wide rather than too narrow.
  static func of(_ text: String, size: Double) -> Double {
    text.unicodeScalars.reduce(0) { $0 + width(of: $1) } * size
  }

  /// The text, cut with an ellipsis where it is wider than `width`.
  static func clipped(_ text: String, to width: Double, size: Double) -> String {
    guard of(text, size: size) > width else { return text }
    var kept = ""
    for character in text {
      guard of(kept + String(character) + "…", size: size) <= width else { break }
      kept.append(character)
    }
    return kept + "…"
  }

  private static func width(of scalar: Unicode.Scalar) -> Double {
    switch scalar {
    case "i", "j", "l", "I", ".", ",", ":", ";", "'", "|", " ", "(", ")": 0.38
    case "f", "r", "t", "/", "-": 0.43
    case "m", "w", "M", "W", "@", "%", "±", "×", "−", "+": 0.9
    case "A"..."Z": 0.75
    case "\u{0}"..."\u{24F}", "\u{2010}"..."\u{2026}": 0.645
    default: 1.05
    }
  }
}
