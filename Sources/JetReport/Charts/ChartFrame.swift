/// The field of a chart between two axes, in the units of the picture.
struct ChartFrame {
  /// The axis below.
  let x: Axis
  /// The axis on the left.
  let y: Axis
  /// The size of the picture.
  let width = 440.0
  /// The size of the picture.
  let height = 290.0
  private let top = 14.0
  private let right = 24.0
  private let bottom = 46.0

  /// A field between two axes.
  init(x: Axis, y: Axis) {
    self.x = x
    self.y = y
  }

  /// Where numbers beside points may stand: above the axis below, right of the one on the left.
  var room: Box {
    Box(left: left + 2, top: 1, right: width - 1, bottom: height - bottom - 1)
  }

  /// The room for what is written on the left.
  private var left: Double {
    let longest = y.ticks.map { TextWidth.of(y.text($0), size: 11) }.max() ?? 0
    return 34 + longest
  }

  /// The horizontal place of a number; nil where it has none.
  func across(_ value: Double) -> Double? {
    x.place(value).map { left + $0 * (width - left - right) }
  }

  /// The vertical place of a number; nil where it has none.
  func down(_ value: Double) -> Double? {
    y.place(value).map { height - bottom - $0 * (height - top - bottom) }
  }

  /// The picture: lines of the grid, what is written at them, and the marks on top.
  func picture(_ description: String, marks: [Markup]) -> Markup {
    Drawing.picture(width: width, height: height, description: description, grid + marks)
  }

  private var grid: [Markup] {
    let (low, high) = (height - bottom, top)
    var result: [Markup] = []
    for tick in y.ticks {
      guard let place = down(tick) else { continue }
      result.append(Drawing.line(left, place, width - right, place, class: "grid"))
      result.append(Drawing.text(y.text(tick), left - 6, place + 4, anchor: "end"))
    }
    var end = -Double.infinity
    for tick in x.ticks {
      guard let place = across(tick) else { continue }
      result.append(Drawing.line(place, low, place, high, class: "grid"))
      let text = x.text(tick)
      let half = TextWidth.of(text, size: 11) / 2
      guard place - half > end + 6 else { continue }
      end = place + half
      result.append(Drawing.text(text, place, low + 16, anchor: "middle"))
    }
    result.append(Drawing.line(left, low, width - right, low, class: "axis"))
    let middle = (left + width - right) / 2
    let label = TextWidth.clipped(x.label, to: width - left, size: 12)
    result.append(Drawing.text(label, middle, height - 8, anchor: "middle", class: "label"))
    result.append(
      .element(
        "text",
        [
          "class": "label", "text-anchor": "middle",
          "transform": "translate(13 \(Drawing.place((low + high) / 2))) rotate(-90)",
        ], text: TextWidth.clipped(y.label, to: low - high + 20, size: 12)))
    return result
  }
}
