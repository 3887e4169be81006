/// Lines through measured points, with error bars of one standard error.
struct LineChart {
  /// What it shows, for those who cannot see it.
  var description: String
  /// The axis below.
  var x: Axis
  /// The axis on the left.
  var y: Axis
  /// The lines.
  var series: [Series]
  /// The look of each line; by default in their order.
  var markers: [Marker]
  /// Whether lines stand a little beside one another, so that their error bars can be told apart.
  var isSpread: Bool

  /// More points than that are drawn without marks.
  private static let mostMarkedPoints = 40
  /// Of longer series the means of as many parts are drawn, over the range of each part.
  private static let mostPoints = 160

  /// A chart of some lines.
  init(
    _ description: String, x: Axis, y: Axis, series: [Series], markers: [Marker]? = nil,
    isSpread: Bool = false
  ) {
    self.description = description
    self.x = x
    self.y = y
    self.series = series
    self.isSpread = isSpread
    self.markers = markers ?? series.indices.map(Marker.init(index:))
  }

  /// The picture with its legend.
  var markup: Markup {
    let frame = ChartFrame(x: x, y: y)
    let middle = Double(series.count - 1) / 2
    let lines = zip(series, markers).enumerated().flatMap { index, pair in
      draw(pair.0, pair.1, in: frame, aside: isSpread ? (Double(index) - middle) * 4 : 0)
    }
    let labels = labels(in: frame)
    let isEmpty = !series.contains { $0.points.contains { place($0, in: frame) != nil } }
    let absent = Drawing.text(
      "no value can be drawn", frame.width / 2, frame.height / 2, anchor: "middle", class: "name")
    let names = zip(series, markers).map { (name: $0.name, marker: $1, hasLine: true) }
    return .joined([
      frame.picture(description, marks: isEmpty ? [absent] : lines + labels),
      Marker.legend(names),
    ])
  }

  private func draw(
    _ series: Series, _ marker: Marker, in frame: ChartFrame, aside: Double
  ) -> [Markup] {
    guard series.points.count <= Self.mostPoints else { return drawLong(series, marker, in: frame) }
    let places = series.points.map { place($0, in: frame, aside: aside) }
    var result = [Drawing.broken(places, class: marker.line, dash: marker.dash)]
    guard series.points.count <= Self.mostMarkedPoints else { return result }
    for (point, place) in zip(series.points, places) {
      guard let place else { continue }
      var marks: [Markup] = []
      if let error = point.error, error > 0 {
        let low = frame.down(point.y - error) ?? frame.down(y.ticks[0]) ?? place.y
        let high = frame.down(point.y + error) ?? place.y
        marks.append(Drawing.errorBar(place.x, from: low, to: high, class: marker.error))
      }
      marks.append(marker.shape(place.x, place.y))
      result.append(Drawing.group(point.title, marks))
    }
    return result
  }

  /// What is written beside the points that have marks.
  private func labels(in frame: ChartFrame) -> [Markup] {
    let marked = zip(series, markers).filter { series, _ in
      series.points.count <= Self.mostMarkedPoints
    }
    let places = marked.map { series, _ in series.points.map { place($0, in: frame) } }
    var room = LabelRoom(frame.room, lines: places)
    return zip(marked, places).flatMap { pair, places in
      zip(pair.0.points, places).compactMap { point, place in
        guard let place, let label = point.label else { return nil }
        return room.label(label, at: place, class: pair.1.value)
      }
    }
  }

  private func drawLong(_ series: Series, _ marker: Marker, in frame: ChartFrame) -> [Markup] {
    let range = series.thinned(to: Self.mostPoints, along: x).points.map { place($0, in: frame) }
    let means = series.averaged(to: Self.mostPoints, along: x).points.map { place($0, in: frame) }
    return [
      Drawing.broken(range, class: marker.line + " range"),
      Drawing.broken(means, class: marker.line, dash: marker.dash),
    ]
  }

  private func place(
    _ point: Series.Point, in frame: ChartFrame, aside: Double = 0
  ) -> (x: Double, y: Double)? {
    guard let across = frame.across(point.x), let down = frame.down(point.y) else { return nil }
    return (across + aside, down)
  }
}
