import Foundation
import JetTestSupport
import Testing

@testable import JetEvaluation

struct TaskFileTests {
  private static let good = """
    kind: multiple_choice
    path: d.jsonl
    context: "{q}"
    choices: "{c}"
    answer: "{a}"
    """

  private static let rows = """
    {"q": "one", "c": ["x", "y"], "a": 0}

    {"q": "two", "c": ["x", "y", "z"], "a": "2"}
    """

  private func task(_ yaml: String, rows: String = rows) throws -> EvaluationTask {
    let folder = try TemporaryFolder()
    try folder.write(rows, to: "d.jsonl")
    return try TaskDescription(contentsOf: try folder.write(yaml, to: "t.yaml")).task()
  }

  @Test func `a task is read with its files beside it`() throws {
    let task = try task(Self.good)
    #expect(task.name == "t" && task.metric == "accuracy")
    guard case .choices(let items, .characters) = task.questions else { return }
    #expect(items.map(\.id) == ["1", "3"])
    #expect(items[0].requests[1] == ContinuationRequest(context: "one", continuation: " y"))
    #expect(items[1].answer == 2 && items[1].choices == ["x", "y", "z"])
  }

  @Test(
    arguments: [
      ("", "expected keys and values"), ("- a", "expected keys and values"),
      ("a: [", "is not YAML"), ("a: 1\na: 2", "is not YAML"), ("\u{1}: x", "is not YAML"),
      ("path: d.jsonl", "kind is missing"), ("kind: essay", "kind is essay; expected one of"),
      ("kind: [a]", "kind is a list"), (good + "\ncolour: red", "colour is unknown"),
      (good + "\n? [a, b]\n: c", "? is unknown"),
      (good + "\nfew_shot: 3", "few_shot is no mapping"),
      (good + "\nfew_shot: {cuont: 3}", "few_shot.cuont is unknown"),
      (good + "\nfew_shot: {count: -1}", "few_shot.count is -1; expected a whole number"),
      (good + "\nfew_shot: {count: many}", "few_shot.count is many"),
      (good + "\nmetric: speed", "metric is speed; expected one of accuracy"),
      (good + "\nnormalization: words", "normalization is words"),
      (good + "\nlabels: [[a]]", "labels holds something"),
      (good + "\nid: \"{\"", "id is wrong: the template"), (good + "\nstop: x", "stop is unknown"),
      ("kind: multiple_choice\npath: d.jsonl\ncontext: x\nanswer: x", "choices is missing"),
      (
        "kind: perplexity\npath: d.jsonl\ntext: \"{q}\"\nfew_shot: {count: 1}",
        "few_shot is unknown"
      ),
      (
        "kind: completion\npath: d.jsonl\ncontext: x\nanswers: x\nstop: [\"\"]",
        "stop holds an empty"
      ),
      (
        "kind: completion\npath: d.jsonl\ncontext: x\nanswers: x\nmaximum_tokens: 0",
        "maximum_tokens is 0"
      ),
    ] as [(String, String)])
  func `a wrong task file ends in a sentence`(yaml: String, fault: String) {
    expectFault(fault, in: "t.yaml") { try task(yaml) }
  }

  @Test(
    arguments: [
      ("", "has no lines"), ("\n \n", "has no lines"), ("{\"q\": ", "line 1"), ("[1]", "line 1"),
      ("{} {}", "line 1"), ("{\"q\": \"a\"}", "no field c"),
      ("{\"q\": {}, \"c\": [\"x\", \"y\"], \"a\": 0}", "the field q is no text or number"),
      ("{\"q\": \"a\", \"c\": [\"x\"], \"a\": 0}", "1 contexts and 1 choices"),
      ("{\"q\": \"a\", \"c\": [\"x\", []], \"a\": 0}", "the list c holds"),
      (
        "{\"q\": \"a\", \"c\": [\"x\", \"y\"], \"a\": 2}",
        "the answer is 2; expected a number from 0 to 1"
      ),
      ("{\"q\": \"a\", \"c\": [\"x\", \"y\"], \"a\": -1}", "the answer is -1"),
      ("{\"q\": \"a\", \"c\": [\"x\", \"y\"], \"a\": \"A\"}", "the answer is A"),
      (String(repeating: "[", count: 100_000), "line 1"), ("\u{FEFF}{}", "line 1"),
    ])
  func `a wrong line ends in a sentence`(rows: String, fault: String) {
    expectFault(fault, in: "d.jsonl") { try task(Self.good, rows: rows) }
  }

  private func expectFault(_ fault: String, in file: String, _ body: () throws -> EvaluationTask) {
    do {
      _ = try body()
      Issue.record("\(fault) was not found")
    } catch let error as EvaluationError {
      #expect(error.description.contains(fault), "\(error)")
      #expect(error.description.contains(file), "\(error)")
      #expect(!error.description.contains("\n"))
    } catch {
      Issue.record("\(error)")
    }
  }

  /// The rows and an empty line, by gzip.
  private static let packedRows =
    "H4sIAAAAAAAC/6tWKlSyUlDKz0tV0lFQSgayo5UqQMxKpVggmQgUMKjl4qqGKCspz8dQBiSq4GqVjJRquQCOjeDh"
    + "VAAAAA=="

  @Test func `packed rows are read as plain ones`() throws {
    let folder = try TemporaryFolder()
    let packed = try #require(Data(base64Encoded: Self.packedRows))
    try folder.write([UInt8](packed), as: "d.jsonl.gz")
    let yaml = Self.good.replacingOccurrences(of: "d.jsonl", with: "d.jsonl.gz")
    let found = try TaskDescription(contentsOf: try folder.write(yaml, to: "t.yaml")).task()
    guard case .choices(let items, _) = found.questions,
      case .choices(let plain, _) = try task(Self.good).questions
    else { return #expect(Bool(false), "no choices") }
    #expect(items.map(\.requests) == plain.map(\.requests) && items.count == 2)
    try folder.write([UInt8](packed.dropLast(9)), as: "d.jsonl.gz")
    expectFault("cannot be unpacked: it ends early; get the file again", in: "d.jsonl.gz") {
      try TaskDescription(contentsOf: folder.url.appending(path: "t.yaml").path).task()
    }
  }

  @Test func `missing files say what to do`() throws {
    for path in ["d.jsonl.gz", "d.jsonl.zst", "none.jsonl"] {
      expectFault("is absent; check the path", in: path) {
        try self.task(Self.good.replacingOccurrences(of: "d.jsonl", with: path))
      }
    }
    #expect(throws: EvaluationError.self) { try TaskDescription(contentsOf: "/none.yaml") }
  }

  @Test func `lines cut anywhere are refused or read, and never crash`() throws {
    let bytes = Array(Self.rows.utf8)
    for end in stride(from: 0, to: bytes.count, by: 3) {
      let cut = String(decoding: bytes[..<end], as: UTF8.self)
      do { _ = try task(Self.good, rows: cut) } catch is EvaluationError {}
    }
  }

  @Test func `equal ids are refused`() {
    expectFault("was used before", in: "d.jsonl") {
      try task(Self.good + "\nid: same")
    }
  }
}
