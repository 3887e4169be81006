/// Points with a name, drawn in one look.
struct Series: Hashable {
  /// A place with a measured height.
  struct Point: Hashable {
    /// The place.
    var x: Double
    /// The height as it is shown.
    var y: Double
    /// The standard error of the height.
    var error: Double?
    /// What is shown when it is pointed at.
    var title: String
  }

  /// The name in the legend.
  var name: String
  /// By ascending places.
  var points: [Point]

  /// The heights with their errors: all that an axis has to cover.
  var heights: [Double] {
    points.flatMap { point in
      point.error.map { [point.y - $0, point.y + $0] } ?? [point.y]
    }
  }

  /// At most about `count` points: of each part of the series the first, the least, the greatest and the last.
  func thinned(to count: Int) -> Series {
    guard points.count > count, count >= 4 else { return self }
    let parts = count / 4
    let kept = (0..<parts).flatMap { part -> [Int] in
      let range = points.count * part / parts..<points.count * (part + 1) / parts
      guard let first = range.first, let last = range.last else { return [] }
      let finite = range.filter { points[$0].y.isFinite }
      let least = finite.min { points[$0].y < points[$1].y } ?? first
      let greatest = finite.max { points[$0].y < points[$1].y } ?? last
      return Set([first, least, greatest, last]).sorted()
    }
    return Series(name: name, points: kept.map { points[$0] })
  }
}
