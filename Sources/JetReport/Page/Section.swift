/// A part of the page with its heading.
struct Section {
  /// The name in links.
  var anchor: String
  /// The heading.
  var title: String
  /// What is to be seen, in a sentence or two.
  var introduction: String
  /// What it shows; where there is nothing, the section says so.
  var parts: [Markup]

  /// The section.
  var markup: Markup {
    let body =
      parts.isEmpty
      ? [Markup.element("p", ["class": "absent"], text: "Nothing has been recorded for this part.")]
      : [.element("p", ["class": "introduction"], text: introduction)] + parts
    return .element("section", ["id": anchor], [.element("h2", text: title)] + body)
  }

  /// Charts beside one another as far as the page is wide.
  static func figures(_ charts: [Markup], captions: [String]? = nil) -> Markup {
    guard !charts.isEmpty else { return .empty }
    return .element(
      "div", ["class": "figures"],
      charts.enumerated().map { index, chart in
        let caption = captions.map { Markup.element("figcaption", text: $0[index]) }
        return .element("figure", [:], [caption ?? .empty, chart])
      })
  }

  /// A mark for what the search went on with.
  static func chosen(_ name: String, _ isChosen: Bool) -> Markup {
    guard isChosen else { return .text(name) }
    return .joined([.text(name), .element("span", ["class": "tag"], text: "chosen")])
  }
}
