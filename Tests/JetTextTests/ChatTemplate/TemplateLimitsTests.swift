import Foundation
import JetText
import Testing

/// A template that would take too long, too deep or too much.
struct HostileTemplate: Sendable, CustomTestStringConvertible {
  let name: String
  let source: String

  var testDescription: String { name }

  static func repeated(_ text: String, _ count: Int = 10_000) -> String {
    String(repeating: text, count: count)
  }

  static let all: [HostileTemplate] = [
    Self(name: "parentheses", source: "{{ " + repeated("(") + "1" + repeated(")") + " }}"),
    Self(name: "lists", source: "{{ " + repeated("[") + repeated("]") + " }}"),
    Self(
      name: "dictionaries",
      source: "{{ " + repeated("{1:", 5000) + "1" + repeated("}", 5000) + " }}"),
    Self(name: "not", source: "{{ " + repeated("not ") + "1 }}"),
    Self(name: "minus", source: "{{ " + repeated("- ") + "1 }}"),
    Self(name: "attributes", source: "{{ a" + repeated(".a") + " }}"),
    Self(name: "subscripts", source: "{{ a" + repeated("[0]") + " }}"),
    Self(name: "calls", source: "{{ a" + repeated("()") + " }}"),
    Self(name: "filters", source: "{{ a" + repeated("|e") + " }}"),
    Self(name: "conditions", source: "{{ " + repeated("1 if 1 else ") + "1 }}"),
    Self(name: "conditions without else", source: "{{ 1" + repeated(" if 1") + " }}"),
    Self(name: "tests", source: "{{ " + repeated("1 is eq [") + repeated("]") + " }}"),
    Self(name: "blocks", source: repeated("{% if 1 %}")),
    Self(name: "loops in the source", source: repeated("{% for i in [1] %}", 5000)),
    Self(name: "targets", source: "{% for " + repeated("(") + "a" + repeated(")") + " in b %}"),
    Self(name: "range", source: "{{ range(1000000000000) }}"),
    Self(
      name: "range at the ends", source: "{{ range(-9223372036854775807, 9223372036854775807) }}"),
    Self(
      name: "nested loops",
      source: repeated("{% for i in range(100000) %}", 6) + repeated("{% endfor %}", 6)),
    Self(
      name: "doubling",
      source:
        "{% set n = namespace(s='a') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}"
    ),
    Self(
      name: "doubling by addition",
      source:
        "{% set n = namespace(s='a') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}"
    ),
    Self(
      name: "doubling a list",
      source:
        "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}"
    ),
    Self(name: "repetition", source: "{{ 'a' * 10 ** 9 }}"),
    Self(name: "repetition past 64 bits", source: "{{ 'abc' * 9223372036854775807 }}"),
    Self(name: "repetition of a list", source: "{{ [1] * 10 ** 9 }}"),
    Self(name: "repetition of a tuple", source: "{{ (1, 2) * 9223372036854775807 }}"),
    Self(name: "power", source: "{{ 9 ** 9 ** 9 }}"),
    Self(name: "macro", source: "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
    Self(
      name: "macros that double",
      source:
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}"
    ),
    Self(
      name: "caller",
      source: "{% macro m() %}{{ caller }}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}"),
    Self(name: "indent", source: "{{ 'a\n' | indent(1000000000, true) }}"),
    Self(name: "indent of many lines", source: "{{ ('a\n' * 100000) | indent(10000) }}"),
    Self(name: "indent of JSON", source: "{{ [1] | tojson(indent=1000000000000) }}"),
    Self(name: "output", source: "{% for i in range(100000) %}{{ 'a' * 100000 }}{% endfor %}"),
    Self(
      name: "output of macros",
      source:
        "{% macro m() %}{{ 'a' * 10000000 }}{% endmacro %}{% for i in range(99) %}{{ m() }}{% endfor %}"
    ),
    Self(
      name: "a value in itself, printed",
      source: "{% set n = namespace() %}{% set n.a = [n, n] %}{{ n }}"),
    Self(
      name: "a deep value",
      source:
        "{% set n = namespace(a=[]) %}{% for i in range(100000) %}{% set n.a = [n.a] %}{% endfor %}"
    ),
    Self(
      name: "a wide value of shared parts, printed",
      source:
        "{% set n = namespace(a=[]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}{% endfor %}{{ n.a }}"
    ),
    Self(
      name: "a wide value of shared parts, as JSON",
      source:
        "{% set n = namespace(a={}) %}{% for i in range(60) %}{% set n.a = {1: n.a, 2: n.a} %}{% endfor %}{{ n.a | tojson }}"
    ),
    Self(
      name: "wide values of shared parts, compared",
      source:
        "{% set n = namespace(a=[], b=[]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}{% set n.b = [n.b, n.b] %}{% endfor %}{{ n.a == n.b }}"
    ),
    Self(
      name: "a wide tuple of shared parts, as a key",
      source:
        "{% set n = namespace(a=()) %}{% for i in range(60) %}{% set n.a = (n.a, n.a) %}{% endfor %}{{ {n.a: 1} }}"
    ),
    Self(
      name: "many long texts",
      source:
        "{% set n = namespace(a=[]) %}{% for i in range(100000) %}{% set n.a = n.a + ['a' * 1000000] %}{% endfor %}"
    ),
    Self(
      name: "replacing by more",
      source: "{{ ('a' * 1000000) | replace('a', 'b' * 1000000) }}"),
    Self(
      name: "replacing nothing by much", source: "{{ ('a' * 1000000).replace('', 'b' * 1000000) }}"),
    Self(name: "joining", source: "{{ range(100000) | join('b' * 1000000) }}"),
    Self(
      name: "searching",
      source:
        "{% set a = 'a' * 8000000 %}{% for i in range(100000) %}{{ ('a' * 4000000 ~ 'b') in a }}{% endfor %}"
    ),
    Self(
      name: "characters of long texts",
      source: "{% set a = 'a' * 8000000 %}{% for c in a %}{% endfor %}"),
    Self(
      name: "macros in a loop",
      source:
        "{% for i in range(100000) %}{% for j in range(100000) %}{% macro m() %}{% endmacro %}{% endfor %}{% endfor %}"
    ),
    Self(
      name: "namespaces in a loop",
      source:
        "{% for i in range(100000) %}{% for j in range(100000) %}{% set n = namespace(a=i) %}{% endfor %}{% endfor %}"
    ),
    Self(name: "the source", source: repeated("a", 1 << 20)),
    Self(name: "clock", source: "{{ strftime_now('%B' * 5000000) }}"),
  ]
}

@Suite(.serialized) struct TemplateLimitsTests {
  @Test(arguments: HostileTemplate.all)
  func aHostileTemplateEndsWithALimit(_ hostile: HostileTemplate) throws {
    let start = ContinuousClock.now
    let error = #expect(throws: ChatTemplateError.self) {
      try ChatTemplate(hostile.source).render(messages: [])
    }
    #expect(error?.kind == .limitExceeded, "\(error?.description ?? "no error")")
    // Far above the tenths of a second that it takes, for slow machines and debug builds.
    #expect(ContinuousClock.now - start < .seconds(30))
  }

  @Test func theDeepestTemplatesFitTheStackOfAThread() async throws {
    let depth = TemplateLimits.default.nestingDepth - 3
    let sources = [
      "{{ " + HostileTemplate.repeated("(", depth) + "1" + HostileTemplate.repeated(")", depth)
        + " }}",
      "{{ " + HostileTemplate.repeated("[", depth) + HostileTemplate.repeated("]", depth) + " }}",
      HostileTemplate.repeated("{% if 1 %}", depth)
        + HostileTemplate.repeated("{% endif %}", depth),
      "{% macro m(n) %}{% if n %}{% for i in [1] %}{{ [m(n - 1)]|join }}{% endfor %}{% endif %}{% endmacro %}{{ m(20) }}",
    ]
    let texts = await withCheckedContinuation { continuation in
      let thread = Thread {
        continuation.resume(
          returning: sources.map { source in
            Result { try ChatTemplate(source).render(messages: []) }
          })
      }
      // What Darwin gives to threads other than the main one, times four for debug builds.
      thread.stackSize = 2 << 20
      thread.start()
    }
    for text in texts { #expect(throws: Never.self) { try text.get() } }
  }

  @Test func limitsAreTheCallers() throws {
    var limits = TemplateLimits()
    limits.steps = 100
    limits.outputBytes = 10
    #expect(try ChatTemplate("{{ 'é' * 5 }}", limits: limits).render(messages: []) == "ééééé")
    for source in ["{{ 'é' * 6 }}", "{% for i in range(90) %}{% endfor %}", "01234567890"] {
      let error = #expect(throws: ChatTemplateError.self) {
        try ChatTemplate(source, limits: limits).render(messages: [])
      }
      #expect(error?.kind == .limitExceeded)
    }
    limits.sourceBytes = 3
    #expect(throws: ChatTemplateError.self) { try ChatTemplate("éé", limits: limits) }
  }

  @Test func aLongConversationIsWithinTheLimits() throws {
    let source = """
      {%- set ns = namespace(all=[], text='') -%}
      {%- for m in messages -%}
      {%- set ns.all = ns.all + [m.role] -%}
      {{ '<|' + m.role + '|>' + m.content | trim + '<|end|>' }}
      {%- endfor -%}
      """
    let message = ChatMessage(role: "user", content: String(repeating: "word ", count: 200))
    let text = try ChatTemplate(source).render(messages: Array(repeating: message, count: 2000))
    #expect(text.utf8.count == 2000 * (999 + 8 + 7))
  }
}
