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

  /// More points than that are drawn without marks.
  private static let mostMarkedPoints = 40
  /// Longer series are thinned.
  private static let mostPoints = 480

  /// A chart of some lines.
  init(
    _ description: String, x: Axis, y: Axis, series: [Series], markers: [Marker]? = nil
  ) {
    self.description = description
    self.x = x
    self.y = y
    self.series = series.map { $0.thinned(to: Self.mostPoints) }
    self.markers = markers ?? series.indices.map(Marker.init(index:))
  }

  /// The picture with its legend.
  var markup: Markup {
    let frame = ChartFrame(x: x, y: y)
    let lines = zip(series, markers).flatMap { draw($0, $1, in: frame) }
    let names = zip(series, markers).map { (name: $0.name, marker: $1, hasLine: true) }
    return .joined([frame.picture(description, marks: lines), Marker.legend(names)])
  }

  private func draw(_ series: Series, _ marker: Marker, in frame: ChartFrame) -> [Markup] {
    let places = series.points.map { place($0, in: frame) }
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

  private func place(_ point: Series.Point, in frame: ChartFrame) -> (x: Double, y: Double)? {
    guard let across = frame.across(point.x), let down = frame.down(point.y) else { return nil }
    return (across, down)
  }
}
