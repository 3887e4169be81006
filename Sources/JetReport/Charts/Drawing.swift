/// The elements of which all pictures are made.
enum Drawing {
  /// A picture as wide as its place on the page allows, at most `width` pixels and a little more.
  static func picture(
    width: Double, height: Double, description: String, class name: String = "chart",
    _ marks: [Markup]
  ) -> Markup {
    .element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "class": name, "role": "img",
        "aria-label": description, "viewBox": "0 0 \(place(width)) \(place(height))",
        "width": place(width), "height": place(height),
      ], marks)
  }

  /// A straight line.
  static func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class name: String
  ) -> Markup {
    .element(
      "line",
      [
        "class": name, "x1": place(x1), "y1": place(y1), "x2": place(x2), "y2": place(y2),
      ])
  }

  /// A text.
  static func text(
    _ text: String, _ x: Double, _ y: Double, anchor: String = "start", class name: String = "tick"
  ) -> Markup {
    .element(
      "text", ["class": name, "x": place(x), "y": place(y), "text-anchor": anchor], text: text)
  }

  /// A path.
  static func path(_ commands: String, class name: String, dash: String? = nil) -> Markup {
    .element("path", ["class": name, "d": commands, "stroke-dasharray": dash])
  }

  /// A line through places, interrupted where one is nil.
  static func broken(
    _ places: [(x: Double, y: Double)?], class name: String, dash: String? = nil
  ) -> Markup {
    var commands = ""
    var isDown = false
    for point in places {
      if let point {
        commands += "\(isDown ? "L" : "M")\(place(point.x)) \(place(point.y))"
        isDown = true
      } else {
        isDown = false
      }
    }
    return commands.isEmpty ? .empty : path(commands, class: name, dash: dash)
  }

  /// A rectangle.
  static func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, class name: String,
    opacity: Double? = nil, title: String? = nil
  ) -> Markup {
    .element(
      "rect",
      [
        "class": name, "x": place(x), "y": place(y), "width": place(max(width, 0)),
        "height": place(max(height, 0)), "fill-opacity": opacity.map(place),
      ], title.map { [tooltip($0)] } ?? [])
  }

  /// Marks with a text that appears when they are pointed at.
  static func group(_ title: String, class name: String? = nil, _ marks: [Markup]) -> Markup {
    .element("g", ["class": name], [tooltip(title)] + marks)
  }

  /// A text that appears when the marks around it are pointed at.
  static func tooltip(_ text: String) -> Markup { .element("title", text: text) }

  /// A vertical error bar.
  static func errorBar(_ x: Double, from low: Double, to high: Double, class name: String) -> Markup
  {
    path(
      "M\(place(x)) \(place(low))V\(place(high))M\(place(x - 3)) \(place(low))h6M\(place(x - 3)) "
        + "\(place(high))h6", class: name)
  }

  /// A horizontal error bar.
  static func errorBar(from low: Double, to high: Double, _ y: Double, class name: String) -> Markup
  {
    path(
      "M\(place(low)) \(place(y))H\(place(high))M\(place(low)) \(place(y - 3))v6M\(place(high)) "
        + "\(place(y - 3))v6", class: name)
  }

  /// A number in a picture: at most two decimals.
  static func place(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    let hundredths = Int((min(max(value, -1e6), 1e6) * 100).rounded())
    let sign = hundredths < 0 ? "-" : ""
    let (whole, part) = hundredths.magnitude.quotientAndRemainder(dividingBy: 100)
    if part == 0 { return "\(sign)\(whole)" }
    if part.isMultiple(of: 10) { return "\(sign)\(whole).\(part / 10)" }
    return "\(sign)\(whole).\(part < 10 ? "0" : "")\(part)"
  }
}
