/// A piece of HTML or SVG that is well formed, also as XML; text gets into it only escaped.
struct Markup: Hashable {
  /// The piece as it is written into the page.
  let html: String

  private init(html: String) { self.html = html }

  /// Nothing.
  static let empty = Markup(html: "")

  /// A text.
  static func text(_ text: String) -> Markup { Markup(html: escaped(text)) }

  /// An element; attributes without a value are left out.
  static func element(
    _ name: String, _ attributes: KeyValuePairs<String, String?> = [:], _ children: [Markup] = []
  ) -> Markup {
    var html = "<\(name)"
    for (key, value) in attributes {
      if let value { html += " \(key)=\"\(escaped(value))\"" }
    }
    if children.isEmpty, emptyElements.contains(name) { return Markup(html: html + "/>") }
    return Markup(html: html + ">" + joined(children).html + "</\(name)>")
  }

  /// An element with a text in it.
  static func element(
    _ name: String, _ attributes: KeyValuePairs<String, String?> = [:], text: String
  ) -> Markup {
    element(name, attributes, [.text(text)])
  }

  /// The text of a style sheet, which HTML reads as it stands.
  ///
  /// - Precondition: it has no character that XML would escape.
  static func style(_ sheet: String) -> Markup {
    precondition(!sheet.contains { "<&".contains($0) }, "a style sheet with < or &")
    return Markup(html: "<style>\(sheet)</style>")
  }

  /// Pieces one after another, a line each.
  static func joined(_ pieces: [Markup]) -> Markup {
    Markup(html: pieces.map(\.html).filter { !$0.isEmpty }.joined(separator: "\n"))
  }

  /// Elements that HTML, or SVG in HTML, lets end in `/>`.
  private static let emptyElements: Set<String> = [
    "circle", "line", "link", "meta", "path", "rect",
  ]

  /// The text with `<`, `>`, `&` and quotes escaped; characters that XML forbids or that turn the direction of writing
  /// become U+FFFD.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
      default: result.unicodeScalars.append(isForbidden(scalar) ? "\u{FFFD}" : scalar)
      }
    }
    return result
  }

  private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069, 0xFFFE, 0xFFFF: true
    default: false
    }
  }
}
