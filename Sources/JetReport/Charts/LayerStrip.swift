/// The layers of a model in a row, one letter each: F full attention, W attention to a window, L linear.
///
/// Letters and hatching say the same as the colours.
struct LayerStrip {
  /// A letter a layer; any other letter is drawn without a colour.
  var placement: String

  /// What a letter stands for.
  static func name(_ letter: Character) -> String {
    switch letter {
    case "F": "full attention"
    case "W": "attention to a window"
    case "L": "linear"
    default: "unknown"
    }
  }

  /// The strip with numbers, letters and legend; it wraps where it is wider than the page.
  var markup: Markup {
    let layers = placement.enumerated().map { index, letter in
      Self.cell(letter, width: 24, height: 30, number: index)
    }
    let kinds = "FWL".compactMap { letter -> Markup? in
      let count = placement.count { $0 == letter }
      guard count > 0 else { return nil }
      return .element(
        "li", [:],
        [
          Self.cell(letter, width: 20, height: 18, number: nil),
          .element("span", text: "\(Self.name(letter)): \(count) of \(placement.count) layers"),
        ])
    }
    return .joined([
      .element(
        "div", ["class": "strip", "role": "img", "aria-label": "Layers: \(placement)"], layers),
      .element("ul", ["class": "legend"], kinds),
    ])
  }

  /// The strip as one small picture in a line of text.
  var small: Markup {
    let width = 7.0
    let marks = placement.enumerated().map { index, letter in
      let x = Double(index) * width
      return Drawing.group(
        "Layer \(index): \(Self.name(letter))",
        [Drawing.rectangle(x, 0, width - 1, 14, class: Self.kind(letter))]
          + Self.hatch(letter, x: x, y: 0, width: width - 1, height: 14))
    }
    return Drawing.picture(
      width: Double(placement.count) * width, height: 14, description: placement, class: "small",
      marks)
  }

  private static func kind(_ letter: Character) -> String {
    switch letter {
    case "F": "full"
    case "W": "window"
    case "L": "linear"
    default: "void"
    }
  }

  private static func cell(
    _ letter: Character, width: Double, height: Double, number: Int?
  ) -> Markup {
    let title = (number.map { "Layer \($0): " } ?? "") + name(letter)
    var marks = [Drawing.rectangle(0.5, 0.5, width - 1, height - 1, class: kind(letter))]
    marks += hatch(letter, x: 0.5, y: 0.5, width: width - 1, height: height - 1)
    marks.append(
      Drawing.text(
        String(letter), width / 2, height / 2 + 4.5, anchor: "middle",
        class: "letter \(kind(letter))"))
    if let number {
      marks.append(Drawing.text("\(number)", width / 2, height + 11, anchor: "middle"))
    }
    return Drawing.picture(
      width: width, height: height + (number == nil ? 0 : 14), description: title, class: "cell",
      [Drawing.group(title, marks)])
  }

  /// Slanted lines for a window, none for the others: dark, striped and light differ without colours.
  private static func hatch(
    _ letter: Character, x: Double, y: Double, width: Double, height: Double
  ) -> [Markup] {
    guard letter == "W" else { return [] }
    let commands = stride(from: 5.0, to: width + height, by: 5).map { sum in
      let (left, right) = (max(0, sum - height), min(width, sum))
      return "M\(Drawing.place(x + left)) \(Drawing.place(y + sum - left))"
        + "L\(Drawing.place(x + right)) \(Drawing.place(y + sum - right))"
    }
    return [Drawing.path(commands.joined(), class: "hatch")]
  }
}
