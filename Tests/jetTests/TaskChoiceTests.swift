import Foundation
import JetEvaluation
import JetTestSupport
import Testing

@testable import jet

struct TaskChoiceTests {
  private static func choice(
    _ folders: [String], fewShot: Int? = nil, limit: Int? = nil
  )
    -> TaskChoice
  {
    TaskChoice(
      folders: folders,
      retrieval: TaskChoice.Retrieval(
        lengths: [200, 300], depths: [0, 100], needles: 2, itemsPerDepth: 1, seed: 0),
      fewShot: fewShot, limit: limit)
  }

  @Test func `names, files and generated tasks become tasks`() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      #"{"id": "0", "goal": "g", "choices": ["a", "b"], "gold": 1}"#, to: "piqa.jsonl")
    let yaml = try folder.write(
      "kind: perplexity\npath: piqa.jsonl\ntext: \"{goal}\"", to: "goals.yaml")
    let text = try folder.write("Some words.", to: "words.txt")
    let tasks = try Self.choice(["/none", folder.url.path]).tasks(
      ["piqa", yaml, text, "needle-written", "piqa", "recall"], tokenizer: ByteText.tokenizer())
    #expect(
      tasks.map(\.name) == [
        "piqa", "goals", "words", "needle-written-200", "needle-written-300", "recall-200",
        "recall-300",
      ])
    #expect(tasks.map(\.count) == [1, 1, 1, 2, 2, 2, 2])
    let limited = try Self.choice([], limit: 1).tasks(["recall"], tokenizer: ByteText.tokenizer())
    #expect(limited.map(\.count) == [1, 1])
  }

  @Test(
    arguments: [
      (["nothing"], "There is no task nothing; give one of hellaswag"),
      (["mmlu"], "The files of mmlu were not fetched yet (looked in /none)"),
      (["all"], "The files of hellaswag were not fetched yet"),
      (["/none.yaml"], "/none.yaml cannot be read"), (["/none.txt"], "/none.txt cannot be read"),
    ])
  func `what is not there ends in a sentence`(names: [String], sentence: String) throws {
    let tokenizer = try ByteText.tokenizer()
    do {
      _ = try Self.choice(["/none"]).tasks(names, tokenizer: tokenizer)
      Issue.record("\(names) were found")
    } catch {
      #expect("\(error)".hasPrefix(sentence))
    }
  }

  @Test func `two tasks of one name are refused`() throws {
    let folder = try TemporaryFolder()
    let first = try folder.write("a", to: "x/t.txt")
    let second = try folder.write("b", to: "y/t.txt")
    #expect(throws: CommandError.self) {
      try Self.choice([]).tasks([first, second], tokenizer: ByteText.tokenizer())
    }
  }

  @Test func `fetched files lie beside fetched models`() {
    let folders = TaskChoice.fetchedFolders(currentFolder: "/here", executable: nil)
    #expect(folders == ["/here/.deps/eval"])
  }
}
