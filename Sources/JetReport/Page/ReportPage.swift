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
    return PageFrame.html(
      title: content.title,
      main: [SummarySection(content: content).markup, Self.links(sections)]
        + sections.map(\.markup))
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
