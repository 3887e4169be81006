/// The look of a series: a colour, a shape and a dash, so that no two of the first eight differ by colour alone.
struct Marker: Hashable {
  /// Which of the looks.
  let index: Int

  /// The class of what is drawn in the colour as a line.
  var line: String { "line c\(index % 8)" }

  /// The class of what is filled with the colour.
  var fill: String { "mark c\(index % 8)" }

  /// The class of a text in the colour.
  var value: String { "value c\(index % 8)" }

  /// The class of an error bar.
  var error: String { "error c\(index % 8)" }

  /// The dash of the line; nil where it is solid.
  var dash: String? {
    [nil, "6 3", "2 3", "9 3 2 3", "4 2", "1 3", "12 3", "8 2 2 2 2 2"][index % 8]
  }

  /// The shape around a place.
  func shape(_ x: Double, _ y: Double, radius: Double = 4, class name: String? = nil) -> Markup {
    let name = name ?? fill
    let p = Drawing.place
    let r = radius
    switch index % 6 {
    case 0:
      return .element("circle", ["class": name, "cx": p(x), "cy": p(y), "r": p(r)])
    case 1:
      return Drawing.rectangle(x - r * 0.88, y - r * 0.88, r * 1.76, r * 1.76, class: name)
    case 2:
      return Drawing.path(
        "M\(p(x)) \(p(y - r * 1.2))l\(p(r * 1.1)) \(p(r * 2))h\(p(-r * 2.2))z", class: name)
    case 3:
      return Drawing.path(
        "M\(p(x)) \(p(y - r * 1.3))l\(p(r * 1.2)) \(p(r * 1.3))l\(p(-r * 1.2)) \(p(r * 1.3))"
          + "l\(p(-r * 1.2)) \(p(-r * 1.3))z", class: name)
    case 4:
      return Drawing.path(
        "M\(p(x)) \(p(y + r * 1.2))l\(p(r * 1.1)) \(p(-r * 2))h\(p(-r * 2.2))z", class: name)
    default:
      let b = p(r * 0.8)
      return Drawing.path(
        "M\(p(x - r * 0.4)) \(p(y - r * 1.2))h\(b)v\(b)h\(b)v\(b)h-\(b)v\(b)h-\(b)v-\(b)h-\(b)v-\(b)"
          + "h\(b)z", class: name)
    }
  }

  /// The list of what the looks mean; nothing where there is one and it needs no name.
  static func legend(_ names: [(name: String, marker: Marker, hasLine: Bool)]) -> Markup {
    .element(
      "ul", ["class": "legend"],
      names.map { entry in
        let line =
          entry.hasLine
          ? Drawing.path("M1 7H29", class: entry.marker.line, dash: entry.marker.dash) : .empty
        return .element(
          "li", [:],
          [
            Drawing.picture(
              width: 30, height: 14, description: "", class: "key",
              [line, entry.marker.shape(15, 7)]),
            .element("span", text: entry.name),
          ])
      })
  }
}
