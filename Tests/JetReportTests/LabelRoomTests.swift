import Foundation
import Testing

@testable import JetReport

@Suite struct LabelRoomTests {
  private static let field = Box(left: 0, top: 0, right: 300, bottom: 200)

  /// The rectangles of texts at points, nil for those without room.
  private func boxes(_ points: [(x: Double, y: Double)], text: String = "12,345") -> [Box?] {
    var room = LabelRoom(Self.field, lines: [points.map { Optional($0) }])
    return points.map { point in
      guard let markup = room.label(text, at: point, class: "value") else { return nil }
      // Such as <text class="value" x="1" y="2" …
      let parts = markup.html.split(separator: "\"")
      let numbers = [parts[3], parts[5]].map { Double($0) ?? .nan }
      let width = TextWidth.of(text, size: 11)
      return Box(x: numbers[0], y: numbers[1] - 4, width: width - 0.1, height: 10.9)
    }
  }

  @Test func numbersOfCrowdedPointsDoNotOverlap() {
    let points: [(x: Double, y: Double)] = [
      (0, 100), (0, 109), (0, 119), (0, 150), (100, 100), (100, 103), (300, 5), (300, 198),
    ]
    let all = boxes(points).compactMap(\.self)
    #expect(all.count == points.count)
    for (index, box) in all.enumerated() {
      #expect(Self.field.contains(box), "\(index)")
      #expect(all.dropFirst(index + 1).allSatisfy { !$0.overlaps(box) }, "\(index)")
      for point in points {
        #expect(!box.overlaps(Box(x: point.x, y: point.y, width: 8, height: 8)), "\(index)")
      }
    }
  }

  @Test func aNumberWithoutRoomIsLeftOut() {
    let found = boxes(Array(repeating: (x: 150, y: 100), count: 40))
    #expect(found[0] != nil && found[39] == nil)
    #expect(boxes([(150, 100)], text: String(repeating: "W", count: 200)) == [nil])
  }

  @Test func aNumberAtTheEdgeStandsAboveItsPointWhateverTheRounding() {
    for step in 0..<200 {
      let left = Double(step) * 0.37
      var room = LabelRoom(
        Box(left: left, top: 0, right: left + 200, bottom: 200), lines: [[(left - 2, 100)]])
      let text = room.label("1.23", at: (left - 2, 100), class: "value")
      let down = text.flatMap { Double($0.html.split(separator: "\"")[5]) }
      #expect((down ?? .nan) < 100, "\(left)")
    }
  }

  @Test func aNumberStandsOnTheSideWithoutLines() throws {
    // The line comes from above and goes on above, so below is free.
    let box = try #require(boxes([(100, 20), (150, 100), (151, 20)])[1])
    #expect(box.top > 100)
  }

  @Test(
    arguments: [
      (0, 0, 20, 20, true), (0, 10, 20, 10, true), (10, 0, 10, 20, true), (0, 0, 20, 0, false),
      (0, 12, 8, 20, false), (9, 9, 11, 11, true), (0, 0, 4, 4, false), (16, 0, 16, 20, false),
    ] as [(Double, Double, Double, Double, Bool)])
  func aLineCrossesABox(x1: Double, y1: Double, x2: Double, y2: Double, crosses: Bool) {
    let box = Box(left: 5, top: 5, right: 15, bottom: 15)
    #expect(box.isCrossed(from: (x1, y1), to: (x2, y2)) == crosses)
    #expect(box.isCrossed(from: (x2, y2), to: (x1, y1)) == crosses)
  }
}
