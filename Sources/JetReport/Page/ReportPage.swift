/// The report of a PostNAS run as one HTML page that needs nothing else: no scripts, no fonts, no pictures from elsewhere.
public struct ReportPage: Sendable {
  /// What it says.
  public let content: ReportContent

  /// The page of some content; every text in it may be hostile.
  public init(_ content: ReportContent) { self.content = content }

  /// The page as HTML that is well formed as XML too.
  public func html() -> String {
    let sections = [
      importance, placement, blocks, ablations, grid, gains, losses, comparison, context, costs,
      notes, configuration,
    ]
    let page = Markup.element(
      "html", ["lang": "en"],
      [
        .element("head", [:], head),
        .element(
          "body", [:],
          [
            .element(
              "main", [:],
              [SummarySection(content: content).markup, Self.links(sections)]
                + sections.map(\.markup))
          ]),
      ])
    return "<!DOCTYPE html>\n" + page.html + "\n"
  }

  private var head: [Markup] {
    [
      .element("meta", ["charset": "utf-8"]),
      .element(
        "meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
      .element("meta", ["name": "color-scheme", "content": "light dark"]),
      .element(
        "meta",
        [
          "http-equiv": "Content-Security-Policy",
          "content": "default-src 'none'; style-src 'unsafe-inline'",
        ]), .element("title", text: content.title), .style(PageStyle.sheet),
    ]
  }

  private static func links(_ sections: [Section]) -> Markup {
    .element(
      "nav", ["aria-label": "Parts of the report"],
      sections.map { section in
        .element(
          "a",
          ["href": "#\(section.anchor)", "class": section.parts.isEmpty ? "absent" : nil],
          text: section.title)
      })
  }
}
