import Foundation
import JetText
import Testing

@testable import JetEvaluation

struct FieldTemplateTests {
  private static let row: DataRow = {
    let fields: TemplateDictionary = [
      "q": "Why?", "n": 3, "flag": true, "x": 0.5, "nothing": nil,
      "list": ["a", "b"], "deep": ["inner": ["one", 2]],
    ]
    return DataRow(file: "f.jsonl", line: 7, fields: fields)
  }()

  @Test(
    arguments: [
      ("", ""), ("plain", "plain"), ("Q: {q}\nA:", "Q: Why?\nA:"), ("{n}{flag}{x}", "3true0.5"),
      ("{deep.inner.0} {deep.inner.1} {list.1}", "one 2 b"), ("{{{q}}} }}{{", "{Why?} }{"),
    ])
  func `fields are put in`(template: String, text: String) throws {
    #expect(try FieldTemplate(template).text(Self.row) == text)
  }

  @Test(arguments: ["{", "}", "a{q", "{}", "a } b", "{q}}"])
  func `braces that do not match are refused`(template: String) {
    #expect(throws: EvaluationError.self) { try FieldTemplate(template) }
  }

  @Test(
    arguments: [
      ("{z}", "no field z; it has q, n, flag"), ("{list}", "is no text or number"),
      ("{nothing}", "is no text or number"), ("{list.2}", "asks for 2 of a list of 2"),
      ("{list.x}", "asks for x"), ("{q.a}", "has no fields"), ("{list.-1}", "asks for -1"),
    ])
  func `a missing field is named with its line`(template: String, fault: String) throws {
    let template = try FieldTemplate(template)
    do {
      _ = try template.text(Self.row)
      Issue.record("\(template.source) was taken")
    } catch let error as EvaluationError {
      #expect(error.description.hasPrefix("f.jsonl, line 7: "))
      #expect(error.description.contains(fault), "\(error)")
    }
  }

  @Test func `a single field may be a list`() throws {
    #expect(try FieldTemplate("{list}").list(Self.row) == ["a", "b"])
    #expect(try FieldTemplate("{deep.inner}").list(Self.row) == ["one", "2"])
    #expect(try FieldTemplate("{q}").list(Self.row) == nil)
    #expect(try FieldTemplate(" {list}").list(Self.row) == nil)
  }
}
