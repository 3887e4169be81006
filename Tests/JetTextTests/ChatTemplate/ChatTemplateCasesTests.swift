import Foundation
import JetText
import Testing

/// A template with what Jinja2 renders from it.
struct TemplateCase: Sendable, CustomTestStringConvertible {
  let name: String
  let template: String
  let variables: [String: TemplateValue]
  /// `nil` where Jinja refuses the template.
  let expected: String?

  var testDescription: String { name }

  /// The cases of `Tests/Fixtures/chat-template-cases.json`, which `make_chat_templates.py` beside
  /// it makes.
  static let all: [TemplateCase] = {
    let file = URL(filePath: #filePath).appending(
      path: "../../../Fixtures/chat-template-cases.json"
    ).standardized
    guard let data = FileManager.default.contents(atPath: file.path),
      case .dictionary(let root)? = try? TemplateValue(json: data),
      case .list(let cases)? = root["cases"]
    else { return [] }
    return cases.compactMap { TemplateCase($0, shared: root["variables"] ?? .none) }
  }()

  init?(_ value: TemplateValue, shared: TemplateValue) {
    guard case .dictionary(let entry) = value, case .string(let name)? = entry["name"],
      case .string(let template)? = entry["template"],
      case .dictionary(let variables) = entry["variables"] ?? shared
    else { return nil }
    self.name = name
    self.template = template
    self.variables = Dictionary(uniqueKeysWithValues: variables.map { ($0.key, $0.value) })
    if case .string(let expected)? = entry["expected"] {
      self.expected = expected
    } else {
      self.expected = nil
    }
  }
}

/// The clock of the fixture: 2024-07-06 14:05:09 UTC.
let fixtureClock = TemplateClock(timeZone: .gmt) { Date(timeIntervalSince1970: 1_720_274_709) }

@Suite struct ChatTemplateCasesTests {
  @Test func theFixtureIsRead() {
    #expect(TemplateCase.all.count > 250)
  }

  @Test(arguments: TemplateCase.all)
  func rendersWhatJinjaRenders(_ example: TemplateCase) throws {
    func render() throws -> String {
      try ChatTemplate(example.template, clock: fixtureClock).render(variables: example.variables)
    }
    guard let expected = example.expected else {
      #expect(throws: ChatTemplateError.self) { try render() }
      return
    }
    let text = try render()
    #expect(TemplateValue.string(text) == .string(expected))
  }
}
