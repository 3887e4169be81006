import JetText
import Testing

/// SplitMix64, so that a failure comes again.
private struct TemplateGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

@Suite struct TemplateMutationTests {
  private static let fragments = [
    "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "(", ")", "[", "]", "{", "}", "|", ".", ",", ":",
    "'",
    "\"", "\\", " if ", " else ", " for ", " in ", " not ", " is ", "~", "**", "//", "%", "=", "==",
    "<",
    "9223372036854775807", "-1", "0", "1e308", "\n", "é", "\u{301}", "messages", "loop",
    "namespace",
    "range", "tojson", "indent", "{% endfor %}", "{% endif %}", "{% raw %}", "{% macro m(a) %}",
    "m(m)",
    "set", "[::-1]", "|list", "|map('length')", "|join", "*", "\u{0}", "{% break %}",
  ]

  @Test func mutatedTemplatesRenderOrThrow() {
    var generator = TemplateGenerator(state: 2024)
    let sources = TemplateCase.all.map { (Array($0.template.unicodeScalars), $0.variables) }
    guard !sources.isEmpty else {
      Issue.record("the fixture is missing")
      return
    }
    var limits = TemplateLimits()
    limits.steps = 20_000
    limits.outputBytes = 1 << 16
    limits.createdBytes = 1 << 20
    let start = ContinuousClock.now
    var rendered = 0
    var refused = 0
    while rendered + refused < 20_000, ContinuousClock.now - start < .seconds(2) {
      var (scalars, variables) = sources[Int.random(in: 0..<sources.count, using: &generator)]
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0...scalars.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0:
          let fragment = Self.fragments[Int.random(in: 0..<Self.fragments.count, using: &generator)]
          scalars.insert(contentsOf: Array(fragment.unicodeScalars), at: place)
        case 1:
          let end = min(scalars.count, place + Int.random(in: 1...8, using: &generator))
          scalars.removeSubrange(place..<end)
        default:
          let end = min(scalars.count, place + Int.random(in: 1...40, using: &generator))
          let part = Array(scalars[place..<end])
          scalars.insert(
            contentsOf: part, at: Int.random(in: 0...scalars.count, using: &generator))
        }
      }
      var source = String.UnicodeScalarView()
      source.append(contentsOf: scalars)
      do {
        let template = try ChatTemplate(String(source), limits: limits, clock: fixtureClock)
        let text = try template.render(variables: variables)
        #expect(text.utf8.count <= limits.outputBytes)
        rendered += 1
      } catch is ChatTemplateError {
        refused += 1
      } catch {
        Issue.record("\(error)")
      }
    }
    #expect(rendered > 0 && refused > 0)
  }
}
