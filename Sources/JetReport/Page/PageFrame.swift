/// What all pages have around their contents: they load nothing, and look right in light, in dark and on paper.
enum PageFrame {
  /// The page as HTML that is well formed as XML too.
  static func html(title: String, main: [Markup]) -> String {
    let page = Markup.element(
      "html", ["lang": "en"],
      [
        .element("head", [:], head(title)),
        .element("body", [:], [.element("main", [:], main)]),
      ])
    return "<!DOCTYPE html>\n" + page.html + "\n"
  }

  private static func head(_ title: String) -> [Markup] {
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
        ]), .element("title", text: title), .style(PageStyle.sheet),
    ]
  }
}
