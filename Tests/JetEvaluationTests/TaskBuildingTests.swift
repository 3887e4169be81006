import Foundation
import JetTestSupport
import Testing

@testable import JetEvaluation

struct TaskBuildingTests {
  private func items(_ task: EvaluationTask) -> [ChoiceItem] {
    guard case .choices(let items, _) = task.questions else { return [] }
    return items
  }

  private func build(
    _ yaml: String, _ files: [String: String], fewShot: Int? = nil
  ) throws
    -> EvaluationTask
  {
    let folder = try TemporaryFolder()
    for (name, text) in files { try folder.write(text, to: name) }
    let description = try TaskDescription(contentsOf: try folder.write(yaml, to: "t.yaml"))
    return try description.task(fewShotCount: fewShot)
  }

  private static let yaml = """
    kind: multiple_choice
    path: d.jsonl
    preamble: "About {s}.\\n\\n"
    context: "Q: {q}\\nA:"
    choices: [yes, no]
    answer: "{a}"
    labels: ["true", "false"]
    few_shot: {count: 2, path: e.jsonl, match: s, separator: "\\n--\\n"}
    """

  private static let files = [
    "d.jsonl": #"{"q": "is it", "s": "x", "a": false}"#,
    "e.jsonl": """
    {"q": "first", "s": "x", "a": true}
    {"q": "other", "s": "y", "a": true}
    {"q": "second", "s": "x", "a": false}
    {"q": "third", "s": "x", "a": false}
    """,
  ]

  @Test func `examples of a file come in its order and fit the question`() throws {
    let item = try #require(items(try build(Self.yaml, Self.files)).first)
    let expected = "About x.\n\nQ: first\nA: yes\n--\nQ: second\nA: no\n--\nQ: is it\nA:"
    #expect(item.requests.map(\.context) == [expected, expected])
    #expect(item.requests.map(\.continuation) == [" yes", " no"] && item.answer == 1)
    let none = try #require(items(try build(Self.yaml, Self.files, fewShot: 0)).first)
    #expect(none.requests[0].context == "About x.\n\nQ: is it\nA:")
  }

  @Test func `more examples than there are are refused`() {
    #expect(throws: EvaluationError.self) { try build(Self.yaml, Self.files, fewShot: 4) }
    #expect(throws: EvaluationError.self) { try build(Self.yaml, Self.files, fewShot: -1) }
  }

  @Test func `examples of the task itself leave the question out and come from the seed`() throws {
    let rows = (0..<6).map { "{\"q\": \"q\($0)\", \"c\": [\"a\($0)\", \"b\"], \"a\": 0}" }
      .joined(separator: "\n")
    let yaml = """
      kind: multiple_choice
      path: d.jsonl
      context: "{q}:"
      choices: "{c}"
      answer: "{a}"
      few_shot: {count: 5, separator: ";"}
      """
    let built = items(try build(yaml, ["d.jsonl": rows]))
    for (place, item) in built.enumerated() {
      let parts = item.requests[0].context.split(separator: ";").map(String.init)
      #expect(parts.last == "q\(place):")
      let others = (0..<6).filter { $0 != place }.map { "q\($0): a\($0)" }
      #expect(parts.dropLast().sorted() == others)
    }
    #expect(Set(built.map { $0.requests[0].context.prefix(2) }).count > 1)
    #expect(items(try build(yaml, ["d.jsonl": rows])) == built)
    let reseeded = yaml.replacingOccurrences(of: "count: 5", with: "count: 5, seed: 1")
    #expect(items(try build(reseeded, ["d.jsonl": rows])) != built)
  }

  @Test func `contexts may differ with one continuation`() throws {
    let yaml = """
      kind: multiple_choice
      path: d.jsonl
      context: ["{b}{o.0}", "{b}{o.1}"]
      choices: "{r}"
      answer: "{a}"
      """
    let row = #"{"b": "So ", "o": ["Ann", "Bo"], "r": "won.", "a": 1}"#
    let item = try #require(items(try build(yaml, ["d.jsonl": row])).first)
    #expect(item.requests.map(\.context) == ["So Ann", "So Bo"])
    #expect(item.requests.map(\.continuation) == [" won.", " won."])
  }

  @Test func `completions and texts`() throws {
    let yaml = """
      kind: completion
      path: d.jsonl
      context: "{q}="
      answers: "{a}"
      stop: ["\\n", ";"]
      maximum_tokens: 5
      delimiter: ""
      metric: contains
      few_shot: {count: 1, separator: ","}
      """
    let rows = "{\"q\": \"1+1\", \"a\": [\"2\", \"two\"]}\n{\"q\": \"1+2\", \"a\": [\"3\"]}"
    let task = try build(yaml, ["d.jsonl": rows])
    guard case .completions(let items) = task.questions else { return }
    #expect(items[0].request.context == "1+2=3,1+1=" && items[1].request.context == "1+1=2,1+2=")
    #expect(items[0].request.stop == ["\n", ";"] && items[0].request.maximumTokens == 5)
    #expect(items[0].answers == ["2", "two"] && task.metric == "contains")
    let texts = try build(
      "kind: perplexity\npath: d.jsonl\ntext: \"{q}\"", ["d.jsonl": rows])
    #expect(
      texts.questions == .texts([TextItem(id: "1", text: "1+1"), TextItem(id: "2", text: "1+2")]))
    let whole = try build("kind: perplexity\npath: d.txt", ["d.txt": "all of it\n"])
    #expect(whole.questions == .texts([TextItem(id: "0", text: "all of it\n")]))
  }

  @Test func `every built-in task is described`() throws {
    #expect(Set(BuiltInTasks.names) == Set(BuiltInTasks.definitions.keys))
    for name in BuiltInTasks.names {
      let description = try #require(try BuiltInTasks.description(name, folder: "/data"))
      #expect(description.path == "/data/\(name).jsonl" && description.fewShot.count == 0)
    }
    #expect(try BuiltInTasks.description("none", folder: "/") == nil)
  }

  private static let fetched = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../.deps/eval").standardized.path

  @Test(
    .enabled(if: FileManager.default.fileExists(atPath: fetched + "/mmlu.jsonl")),
    arguments: [
      ("hellaswag", 10042), ("arc-easy", 2376), ("arc-challenge", 1172), ("piqa", 1838),
      ("winogrande", 1267), ("openbookqa", 500), ("boolq", 3270), ("mmlu", 14042),
    ])
  func `fetched tasks have all their items`(name: String, count: Int) throws {
    let description = try #require(try BuiltInTasks.description(name, folder: Self.fetched))
    #expect(try description.task().count == count)
    #expect(items(try description.task(fewShotCount: 2).limited(to: 5)).count == 5)
  }
}
