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
    /// What is written beside it where there is room.
    var label: String?
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

  /// At most `4 × parts` points: of each of the equally wide parts of an axis the first, the least, the greatest and the last.
  func thinned(to parts: Int, along axis: Axis) -> Series {
    let kept = groups(parts, along: axis).flatMap { group -> [Int] in
      let finite = group.filter { points[$0].y.isFinite }
      let extremes = [
        group.first, finite.min { points[$0].y < points[$1].y },
        finite.max { points[$0].y < points[$1].y }, group.last,
      ]
      return Set(extremes.compactMap(\.self)).sorted()
    }
    return Series(name: name, points: kept.map { points[$0] })
  }

  /// At most `parts` points: of each of the equally wide parts of an axis the mean of its finite points.
  func averaged(to parts: Int, along axis: Axis) -> Series {
    let means = groups(parts, along: axis).compactMap { group -> Point? in
      let finite = group.map { points[$0] }.filter(\.y.isFinite)
      guard let first = finite.first, let last = finite.last else { return nil }
      let count = Double(finite.count)
      return Point(
        x: finite.reduce(0) { $0 + $1.x / count }, y: finite.reduce(0) { $0 + $1.y / count },
        title: finite.count == 1 ? first.title : "\(first.title) … \(last.title)")
    }
    return Series(name: name, points: means)
  }

  /// The points in each part of an axis that has any; points without a place are left out.
  private func groups(_ parts: Int, along axis: Axis) -> [[Int]] {
    var groups = [[Int]](repeating: [], count: max(parts, 1))
    for (index, point) in points.enumerated() {
      guard let place = axis.place(point.x), place.isFinite else { continue }
      groups[Int(min(max(place, 0), 1) * Double(groups.count - 1))].append(index)
    }
    return groups.filter { !$0.isEmpty }
  }
}
