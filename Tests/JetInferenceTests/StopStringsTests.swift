import JetInference
import Testing

struct StopStringsTests {
  private func run(_ stops: [String], _ pieces: [String]) throws -> (text: String, stopped: Bool) {
    var matcher = try StopStrings(stops)
    var text = ""
    for piece in pieces {
      let (emit, stopped) = matcher.append(piece)
      text += emit
      if stopped { return (text, true) }
    }
    return (text + matcher.finish(), false)
  }

  @Test func `only what may become a stop string is held back`() throws {
    var matcher = try StopStrings(["</s>", "END"])
    #expect(matcher.append("Hello <") == ("Hello ", false))
    #expect(matcher.append("/b> E") == ("</b> ", false))
    #expect(matcher.append("NE") == ("EN", false))
    #expect(matcher.append("ND and more") == ("", true))
    #expect(matcher.append("nothing") == ("", true))
    #expect(matcher.finish() == "")
  }

  @Test func `the end releases what was held back`() throws {
    var matcher = try StopStrings(["stop"])
    #expect(matcher.append("a sto") == ("a ", false))
    #expect(matcher.finish() == "sto")
  }

  @Test(arguments: [
    (["aab"], "aaaab!", "aa", true), (["abab", "ba"], "xabab", "xa", true),
    (["abcd", "bc"], "zabcd", "za", true), (["cd", "abcd"], "zabcd", "z", true),
    (["é"], "cafe\u{301} café", "cafe\u{301} caf", true), (["\n\n"], "a\nb\n", "a\nb\n", false),
    (["👩‍👩‍👧"], "x👩‍👩‍👦y", "x👩‍👩‍👦y", false), (["\r\n"], "a\r\nb", "a", true), ([], "all", "all", false),
  ])
  func `the result does not depend on where the pieces are cut`(
    stops: [String], text: String, expected: String, stopped: Bool
  ) throws {
    let scalars = text.unicodeScalars.map { String($0) }
    for first in 0...scalars.count {
      for second in first...scalars.count {
        let pieces = [
          scalars[..<first].joined(), scalars[first..<second].joined(),
          scalars[second...].joined(),
        ]
        let result = try run(stops, pieces)
        #expect(Array(result.text.utf8) == Array(expected.utf8))
        #expect(result.stopped == stopped)
      }
    }
  }

  @Test func `an empty stop string is refused`() {
    #expect(throws: StopStrings.Failure.empty(index: 1)) { try StopStrings(["a", ""]) }
  }

  @Test func `a long repetitive text takes linear time`() throws {
    let stop = String(repeating: "a", count: 5000) + "b"
    let text = String(repeating: "a", count: 200_000)
    #expect(try run([stop], [text]) == (text, false))
  }
}
