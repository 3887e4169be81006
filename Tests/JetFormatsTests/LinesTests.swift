import Testing

@testable import JetFormats

@Suite("Lines")
struct LinesTests {
  @Test(
    "are those between ends of lines, empty ones and what is behind the last one too",
    arguments: ["", "\n", "a", "a\n", "\n\nb", "ab\ncd\n\n", "a\r\nb"])
  func cut(text: String) {
    let bytes = Array(text.utf8)
    var found: [[UInt8]] = []
    var numbers: [Int] = []
    bytes.withUnsafeBytes {
      $0.forEachLine { number, line in
        numbers.append(number)
        found.append(Array(line))
      }
    }
    #expect(
      found == bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init))
    #expect(numbers == Array(1...found.count))
  }

  @Test("the body's error ends them")
  func error() {
    struct Stop: Error {}
    var count = 0
    #expect(throws: Stop.self) {
      try Array("a\nb\nc".utf8).withUnsafeBytes {
        try $0.forEachLine { number, _ in
          count += 1
          if number == 2 { throw Stop() }
        }
      }
    }
    #expect(count == 2)
  }
}
