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

  @Test func aLongSeriesKeepsItsEndsAndPeaks() {
    var series = Series(
      name: "long", points: (0..<10_000).map { Series.Point(x: Double($0), y: 1, title: "") })
    series.points[5_001].y = 9
    series.points[7_003].y = -9
    series.points[7_004].y = .nan
    let thin = series.thinned(to: 400)
    #expect(thin.points.count <= 400)
    #expect(thin.points.first == series.points.first)
    #expect(thin.points.last == series.points.last)
    #expect(thin.points.contains { $0.y == 9 } && thin.points.contains { $0.y == -9 })
    #expect(thin.points.map(\.x) == thin.points.map(\.x).sorted())
    #expect(series.thinned(to: 20_000) == series)
  }

  private func expectSound(_ markup: Markup) {
    let page = WellFormed("<div>\(markup.html)</div>")
    #expect(page.problem == nil)
    #expect(!markup.html.lowercased().contains("nan"))
    #expect(!markup.html.contains("inf"))
  }
}
