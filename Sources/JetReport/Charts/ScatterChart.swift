/// Points of two measured numbers, with the line through those that no other surpasses in both.
struct ScatterChart {
  /// A point.
  struct Point: Hashable {
    /// The number below, greater is better.
    var x: Estimate
    /// The number on the left, greater is better.
    var y: Estimate
    /// Its name.
    var name: String
    /// Whether it lies on the front.
    var isOnFront: Bool
    /// Whether it was chosen.
    var isChosen: Bool
  }

  /// What it shows, for those who cannot see it.
  var description: String
  /// The name of the number below.
  var across: String
  /// The name of the number on the left.
  var up: String
  /// The points; those without finite numbers are not drawn.
  var points: [Point]

  /// The picture with its legend.
  var markup: Markup {
    let drawn = points.filter { $0.x.shown != nil && $0.y.shown != nil }
    let frame = ChartFrame(
      x: Axis(across, drawn.flatMap { Self.reach($0.x) }, format: .prefixed, count: 6),
      y: Axis(up, drawn.flatMap { Self.reach($0.y) }))
    let front = drawn.filter(\.isOnFront).compactMap { place($0, in: frame) }
      .sorted { $0.x < $1.x }
    var marks = [Drawing.broken(front, class: Self.front.line, dash: Self.front.dash)]
    marks += drawn.filter { !$0.isOnFront }.map { draw($0, in: frame) }
    marks += drawn.filter(\.isOnFront).map { draw($0, in: frame) }
    marks += drawn.filter(\.isChosen).compactMap { label($0, in: frame) }
    let names = [
      (name: "on the Pareto front", marker: Self.front, hasLine: true),
      (name: "surpassed", marker: Self.surpassed, hasLine: false),
    ]
    return .joined([frame.picture(description, marks: marks), Marker.legend(names)])
  }

  private static let front = Marker(index: 0)
  private static let surpassed = Marker(index: 1)

  private static func reach(_ estimate: Estimate) -> [Double] {
    guard let value = estimate.shown else { return [] }
    return [value - (estimate.shownError ?? 0), value + (estimate.shownError ?? 0)]
  }

  private func place(_ point: Point, in frame: ChartFrame) -> (x: Double, y: Double)? {
    guard let x = point.x.shown.flatMap(frame.across), let y = point.y.shown.flatMap(frame.down)
    else { return nil }
    return (x, y)
  }

  private func draw(_ point: Point, in frame: ChartFrame) -> Markup {
    guard let place = place(point, in: frame) else { return .empty }
    let marker = point.isOnFront ? Self.front : Self.surpassed
    var marks: [Markup] = []
    let (x, y) = (Self.reach(point.x), Self.reach(point.y))
    if point.x.shownError != nil, let low = x.first.flatMap(frame.across),
      let high = x.last.flatMap(frame.across)
    {
      marks.append(Drawing.errorBar(from: low, to: high, place.y, class: marker.error))
    }
    if point.y.shownError != nil, let low = y.first.flatMap(frame.down),
      let high = y.last.flatMap(frame.down)
    {
      marks.append(Drawing.errorBar(place.x, from: low, to: high, class: marker.error))
    }
    marks.append(marker.shape(place.x, place.y, radius: 4.5))
    if point.isChosen {
      marks.append(Marker(index: 0).shape(place.x, place.y, radius: 9, class: "ring"))
    }
    let title =
      "\(point.name): \(across) \(NumberText.text(point.x)), \(up) \(NumberText.text(point.y))"
      + (point.isChosen ? " (chosen)" : "")
    return Drawing.group(title, marks)
  }

  /// The name of the chosen point, on the side where there is room.
  private func label(_ point: Point, in frame: ChartFrame) -> Markup? {
    guard let place = place(point, in: frame) else { return nil }
    let text = TextWidth.clipped("chosen: \(point.name)", to: frame.width * 0.4, size: 12)
    let isLeft = place.x > frame.width * 0.55
    return Drawing.text(
      text, place.x + (isLeft ? -13 : 13), place.y - 9, anchor: isLeft ? "end" : "start",
      class: "name")
  }
}
