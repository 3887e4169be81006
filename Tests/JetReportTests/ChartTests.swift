import Foundation
import Testing

@testable import JetReport

@Suite struct ChartTests {
  @Test func aSmallChartIsDrawnAsItWas() throws {
    let chart = LineChart(
      "golden", x: Axis("layers", [1, 2], isWhole: true), y: Axis("score <%>", [1, 3]),
      series: [
        Series(
          name: "a & b",
          points: [
            Series.Point(x: 1, y: 1.5, error: 0.5, title: "first"),
            Series.Point(x: 2, y: 3, title: "second"),
          ])
      ])
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Snapshots/line-chart.svg")
    let drawn = chart.markup.html + "\n"
    if ProcessInfo.processInfo.environment["JET_UPDATE_SNAPSHOTS"] == "1" {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try drawn.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == drawn)
  }

  @Test(arguments: [
    [], [Series.Point(x: 1, y: 1, title: "one")],
    [Series.Point(x: 1, y: .nan, title: "no number")],
    [Series.Point(x: 0, y: 0, error: 1, title: "zero")],
    [
      Series.Point(x: 1, y: 2, error: .infinity, title: "a"), Series.Point(x: 1, y: 2, title: "b"),
    ],
  ])
  func fewOrUnusualPointsAreDrawn(points: [Series.Point]) {
    for scale in [Axis.Scale.linear, .logarithmic, .powersOfTwo] {
      let series = Series(name: "s", points: points)
      let chart = LineChart(
        "few", x: Axis("x", points.map(\.x), scale: scale),
        y: Axis("y", series.heights, scale: scale), series: [series])
      expectSound(chart.markup)
    }
  }

  @Test func chartsOfEqualOrAbsentNumbersAreDrawn() {
    let values: [Estimate?] = [nil, Estimate(.nan), Estimate(2), Estimate(2, standardError: 0)]
    for style in [BarChart.Style.bars, .dots] {
      expectSound(
        BarChart(
          title: "equal", rows: values.map { BarChart.Row(name: "n", value: $0) }, style: style
        ).markup)
      expectSound(BarChart(title: "none", rows: [], style: style).markup)
    }
    let points = values.compactMap(\.self).map {
      ScatterChart.Point(x: $0, y: Estimate(1), name: "p", isOnFront: true, isChosen: true)
    }
    expectSound(
      ScatterChart(description: "equal", across: "x", up: "y", points: points).markup)
    expectSound(
      HeatMap(
        description: "equal", column: "Layer",
        rows: [
          HeatMap.Row(name: "r", values: values.compactMap(\.self)),
          HeatMap.Row(name: "empty", values: []),
        ]
      ).markup)
    expectSound(LayerStrip(placement: "FWL?é").markup)
    expectSound(LayerStrip(placement: "").small)
  }

  @Test(arguments: [Axis.Scale.linear, .logarithmic])
  func aLongSeriesKeepsItsEndsAndPeaks(scale: Axis.Scale) {
    var series = Series(
      name: "long", points: (1...10_000).map { Series.Point(x: Double($0), y: 1, title: "") })
    series.points[5_001].y = 9
    series.points[7_003].y = -9
    series.points[7_004].y = .nan
    let axis = Axis("x", series.points.map(\.x), scale: scale)
    let thin = series.thinned(to: 100, along: axis)
    #expect(thin.points.count <= 400)
    #expect(thin.points.first == series.points.first)
    #expect(thin.points.last == series.points.last)
    #expect(thin.points.contains { $0.y == 9 } && thin.points.contains { $0.y == -9 })
    #expect(thin.points.map(\.x) == thin.points.map(\.x).sorted())
    let means = series.averaged(to: 100, along: axis).points
    #expect(means.count <= 100)
    #expect(means.allSatisfy { $0.y.isFinite })
    expectSound(LineChart("long", x: axis, y: Axis("y", [-9, 9]), series: [series]).markup)
  }

  @Test func ticksOfOneAxisHaveEquallyManyDecimals() {
    let axis = Axis("y", [-3.1, -2.8])
    #expect(axis.ticks.map(axis.text) == ["−3.1", "−3.0", "−2.9", "−2.8"])
  }

  @Test func ticksWithPrefixesKeepTheirDigits() {
    let axis = Axis("x", [0.95, 1.05], format: .prefixed)
    #expect(axis.ticks.map(axis.text) == ["0.95", "0.975", "1", "1.025", "1.05"])
  }

  @Test func aChartWithoutPlacesSaysSo() {
    let chart = LineChart(
      "empty", x: Axis("x", []), y: Axis("y", []), series: [Series(name: "s", points: [])])
    #expect(chart.markup.html.contains("no value can be drawn"))
  }

  @Test func columnsThatNoRowHasAreNamedBelow() {
    let table = Table(
      "t", names: ["name"], numbers: ["empty", "kept"],
      rows: [Table.Row(cells: [.text("a"), .text("–"), .text("1")])])
    #expect(WellFormed("<p>\(table.markup.html)</p>").elements["td"] == 2)
    #expect(table.markup.html.contains("Not recorded: empty."))
  }

  private func expectSound(_ markup: Markup) {
    let page = WellFormed("<div>\(markup.html)</div>")
    #expect(page.problem == nil)
    #expect(!markup.html.lowercased().contains("nan"))
    #expect(!markup.html.contains("inf"))
  }
}
