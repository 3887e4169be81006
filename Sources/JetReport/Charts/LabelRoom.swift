/// The room beside the points of a chart, in which their numbers are written over no mark and no other number.
struct LabelRoom {
  private typealias Place = (x: Double, y: Double)

  private let field: Box
  private let segments: [(from: Place, to: Place)]
  private var taken: [Box]

  /// The room in a field with the points of some lines; nil interrupts a line.
  init(_ field: Box, lines: [[(x: Double, y: Double)?]]) {
    self.field = field
    segments = lines.flatMap { line in
      zip(line, line.dropFirst()).compactMap { from, to in
        guard let from, let to else { return nil }
        return (from, to)
      }
    }
    taken = lines.joined().compactMap { place in
      place.map { Box(x: $0.x, y: $0.y, width: 10, height: 10) }
    }
  }

  /// A text beside a point, where it crosses the fewest lines; nil where there is no room.
  mutating func label(
    _ text: String, at point: (x: Double, y: Double), class name: String
  ) -> Markup? {
    let width = TextWidth.of(text, size: 11)
    let free = Self.candidates(point, width: width, in: field).filter { box in
      field.contains(box) && !taken.contains { $0.overlaps(box) }
    }
    let costs = free.enumerated().map { order, box in
      Double(order) + 10 * Double(segments.count { box.isCrossed(from: $0.from, to: $0.to) })
    }
    guard let best = costs.indices.min(by: { costs[$0] < costs[$1] }) else { return nil }
    let box = free[best]
    taken.append(box)
    return Drawing.text(
      text, (box.left + box.right) / 2, box.bottom - 1.5, anchor: "middle", class: name)
  }

  /// Places around a point, the best first: above, below, beside, aslant, and all of them again farther away.
  private static func candidates(_ point: Place, width: Double, in field: Box) -> [Box] {
    let height = 11.0
    let sides: [(x: Double, y: Double)] = [
      (0, -1), (0, 1), (1, 0), (-1, 0), (1, -1), (-1, -1), (1, 1), (-1, 1),
    ]
    return [6.0, 14.0].flatMap { distance in
      sides.map { side in
        let gap = side.x != 0 && side.y != 0 ? distance / 2 : distance
        var x = point.x + side.x * (gap + width / 2)
        // A little inside, so that rounding does not put it outside.
        let reach = width / 2 + 0.01
        if side.x == 0 { x = min(max(x, field.left + reach), field.right - reach) }
        return Box(
          x: x, y: point.y + side.y * (gap + height / 2), width: width, height: height)
      }
    }
  }
}
