import Foundation
import JetText
import Testing

@Suite struct ChatTemplateTests {
  private func render(_ source: String, _ variables: [String: TemplateValue] = [:]) throws -> String
  {
    try ChatTemplate(source, clock: fixtureClock).render(variables: variables)
  }

  private func error(of source: String) -> ChatTemplateError? {
    #expect(throws: ChatTemplateError.self) { try render(source) }
  }

  @Test func aConversationIsGivenUnderTheNamesOfHuggingFace() throws {
    let template = try ChatTemplate(
      "{{ bos_token }}{% for m in messages %}{{ m }}{% endfor %}{{ tools }}{{ documents }}{{ add_generation_prompt }}"
    )
    let call: TemplateValue = ["function": ["name": "f", "arguments": [:]]]
    let messages = [
      ChatMessage(role: "user", content: "Hi"),
      ChatMessage(role: "assistant", content: .none, extra: ["tool_calls": [call]]),
    ]
    let text = try template.render(
      messages: messages, tools: [["b": 1, "a": 2.0]], addGenerationPrompt: false,
      variables: ["bos_token": "<s>"])
    #expect(
      text == """
        <s>{'role': 'user', 'content': 'Hi'}{'role': 'assistant', 'content': None, \
        'tool_calls': [{'function': {'name': 'f', 'arguments': {}}}]}\
        [{'b': 1, 'a': 2.0}]NoneFalse
        """)
    #expect(
      try template.render(messages: [], variables: ["documents": "d"]) == "NonedTrue")
  }

  @Test func errorsSayTheKindAndTheLine() {
    let cases: [(String, ChatTemplateError.Kind, Int)] = [
      ("a\n{{ 1 + }}", .syntax, 2),
      ("{% if 1 %}\n\n", .syntax, 2),
      ("\n\n{{ x|nope }}", .unknownName, 3),
      ("{% if 1 %}\n{{ 1 is nope }}{% endif %}", .unknownName, 2),
      ("{% set a = 1 %}\n{{ a }}\n{{ b.c }}", .undefinedValue, 3),
      ("\n{{ 1 + 'a' }}", .invalidOperation, 2),
      ("{% for m in [1] %}\n{{ raise_exception('Only users!') }}{% endfor %}", .raised, 2),
      ("\n{{ 'a' * 100000000 }}", .limitExceeded, 2),
      ("{% include 'x' %}", .syntax, 1),
    ]
    for (source, kind, line) in cases {
      let error = error(of: source)
      #expect(error?.kind == kind, "\(source)")
      #expect(error?.line == line, "\(source)")
    }
  }

  @Test func errorsAreSentences() {
    #expect(
      error(of: "{{ raise_exception('Only users!') }}")?.localizedDescription
        == "Chat template, line 1: the template refused the conversation: Only users!")
    #expect(error(of: "{{ zz.x }}")?.description == "Chat template, line 1: 'zz' is undefined.")
    #expect(
      error(of: "{{ [].append(1) }}")?.description == """
        Chat template, line 1: 'append' of 'list object' would change it, which the sandbox of \
        chat templates refuses.
        """)
    #expect((error(of: "{{ raise_exception('x' * 1000000) }}")?.description.count ?? 0) < 3000)
  }

  @Test func textsAreComparedByScalar() throws {
    let variables: [String: TemplateValue] = [
      "composed": "é", "decomposed": "e\u{301}",
      "d": .dictionary(["é": 1, "e\u{301}": 2]), "newlines": "a\r\nb",
    ]
    #expect(try render("{{ composed == decomposed }}", variables) == "False")
    #expect(try render("{{ d[composed] }}{{ d[decomposed] }}{{ d|length }}", variables) == "122")
    #expect(try render("{{ decomposed|length }}{{ newlines|length }}", variables) == "24")
    #expect(try render("{{ newlines.split('\\n')|length }}", variables) == "2")
  }

  @Test func theClockAndItsZoneAreGiven() throws {
    let zone = try #require(TimeZone(secondsFromGMT: -5 * 3600 - 1800))
    let clock = TemplateClock(timeZone: zone) { Date(timeIntervalSince1970: 951_868_800) }
    let template = try ChatTemplate("{{ strftime_now('%F %T %z %j') }}", clock: clock)
    #expect(try template.render(variables: [:]) == "2000-02-29 18:30:00 -0530 060")
    #expect(throws: ChatTemplateError.self) {
      try ChatTemplate("{{ strftime_now('%Q') }}", clock: clock).render(variables: [:])
    }
  }

  @Test func anIteratorIsGoneThroughOnce() throws {
    #expect(
      try render("{% set m = [1, 2]|map('string') %}{{ m|first }}{{ m|list }}{{ m|list }}")
        == "1['2'][]")
  }

  @Test func aDeepValueFromOutsideIsRefused() throws {
    var value: TemplateValue = 1
    for _ in 0..<200 { value = [value] }
    let template = try ChatTemplate("{{ v }}")
    let error = #expect(throws: ChatTemplateError.self) {
      try template.render(variables: ["v": value])
    }
    #expect(error?.kind == .limitExceeded)
  }
}
