import Foundation
import JetReport
import Testing

@Suite struct ChartPageTests {
  private static func page(_ name: String, values: [Double] = [100, 10]) -> ChartPage {
    let points = zip([4_096, 65_536], values).map { context, value in
      ChartPage.Point(context: context, value: value, label: "\(value) \(name)", title: name)
    }
    return ChartPage(
      title: name, facts: name, introduction: name,
      charts: [
        ChartPage.Chart(
          caption: "first", label: name, curves: [ChartPage.Curve(name: name, points: points)]),
        ChartPage.Chart(
          caption: "second", label: "times", from: 1,
          curves: [
            ChartPage.Curve(name: "other", points: points),
            ChartPage.Curve(name: name, points: points),
          ]),
      ],
      tables: [
        ChartPage.Numbers(
          caption: "numbers", columns: ["model", "rate", "absent"], nameCount: 1,
          rows: [[name, "12.3", ""]])
      ])
  }

  @Test func thePageIsWellFormedAndLoadsNothing() {
    let html = Self.page("a model").html()
    let page = WellFormed(html)
    #expect(page.problem == nil)
    #expect(page.elements["figure"] == 2 && page.elements["table"] == 1)
    #expect(page.elements["script"] == nil && page.elements["img"] == nil)
    for text in ["a model", "100.0 a model", "64 K", "12.3", "Not recorded: absent."] {
      #expect(page.text.contains(text), "\(text)")
    }
  }

  @Test func aCurveHasOneLookOnTheWholePage() {
    let html = Self.page("a model").html()
    // Two lines and two keys of the first look, a line and a key of the second.
    #expect(html.components(separatedBy: "\"line c0\"").count - 1 == 4)
    #expect(html.components(separatedBy: "\"line c1\"").count - 1 == 2)
  }

  @Test func anAxisCoversTheNumberThatItIsToldTo() {
    let text = WellFormed(Self.page("m", values: [30, 40]).html()).text
    let ticks = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    #expect(ticks.contains("1"))
  }

  @Test(arguments: [
    "<script>alert(1)</script>", "\" onload=\"alert(1)", "]]>", "<!--", "&amp;", "\u{0}\u{8}",
    "\u{202E}gnorw", String(repeating: "W", count: 5_000), "🙂é\u{301}", "",
  ])
  func hostileNamesStayText(name: String) {
    let page = WellFormed(Self.page(name).html())
    let plain = WellFormed(Self.page("plain").html())
    #expect(page.problem == nil)
    for element in ["script", "b", "svg", "table"] {
      #expect(page.elements[element] == plain.elements[element], "\(element)")
    }
  }

  @Test(arguments: [[], [.nan], [0, -1], [.infinity, 1e300], [1e-300, 1e300]] as [[Double]])
  func unusualNumbersAreDrawnOrLeftOut(values: [Double]) {
    #expect(WellFormed(Self.page("m", values: values).html()).problem == nil)
  }
}
