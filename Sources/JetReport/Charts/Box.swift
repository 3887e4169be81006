/// A rectangle of a picture, whose vertical places grow downwards.
struct Box: Hashable {
  /// The least place across.
  var left: Double
  /// The least place down.
  var top: Double
  /// The greatest place across.
  var right: Double
  /// The greatest place down.
  var bottom: Double

  /// The rectangle of a size around a place.
  init(x: Double, y: Double, width: Double, height: Double) {
    self.init(
      left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2)
  }

  /// The rectangle between four edges.
  init(left: Double, top: Double, right: Double, bottom: Double) {
    (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
  }

  /// Whether the other lies in it.
  func contains(_ other: Box) -> Bool {
    left <= other.left && other.right <= right && top <= other.top && other.bottom <= bottom
  }

  /// Whether they share more than an edge.
  func overlaps(_ other: Box) -> Bool {
    left < other.right && other.left < right && top < other.bottom && other.top < bottom
  }

  /// Whether a straight line between two places runs through it.
  func isCrossed(from start: (x: Double, y: Double), to end: (x: Double, y: Double)) -> Bool {
    // The part of the line that lies between both pairs of edges (Liang and Barsky).
    var (enters, leaves) = (0.0, 1.0)
    let (dx, dy) = (end.x - start.x, end.y - start.y)
    for (step, room) in [
      (-dx, start.x - left), (dx, right - start.x), (-dy, start.y - top), (dy, bottom - start.y),
    ] {
      if step == 0 {
        guard room > 0 else { return false }
      } else if step < 0 {
        enters = max(enters, room / step)
      } else {
        leaves = min(leaves, room / step)
      }
    }
    return enters < leaves
  }
}
