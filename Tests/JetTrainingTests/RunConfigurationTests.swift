import Foundation
import JetTestSupport
import Testing

@testable import JetTraining

@Suite("RunConfiguration")
struct RunConfigurationTests {
  private func read(_ text: String) throws -> TrainingConfiguration {
    try TrainingConfiguration(
      json: Data(text.utf8), over: TrainingConfiguration(), file: "run.json")
  }

  @Test("what is not given has its default, at any depth")
  func defaults() throws {
    #expect(try read("{}") == TrainingConfiguration())
    var expected = TrainingConfiguration()
    expected.steps = 7
    expected.optimizer.beta2 = 0.99
    expected.schedule.shape = .cosine
    expected.stages = [LengthStage(length: 4, sequences: 2)]
    let text = """
      {"steps": 7, "optimizer": {"beta2": 0.99}, "schedule": {"shape": "cosine"},
       "stages": [{"step": 0, "length": 4, "sequences": 2}]}
      """
    #expect(try read(text) == expected)
    #expect(try read(String(decoding: expected.json(), as: UTF8.self)) == expected)
  }

  @Test("a wrong value or key is refused by its name")
  func refusals() {
    let cases = [
      ("{", "not JSON"), (#"{"step": 7}"#, "'step'"),
      (#"{"optimizer": {"lr": 1}}"#, "'optimizer.lr'"),
      (#"{"stages": [{"step": 0, "length": 4, "sequences": 2, "x": 1}]}"#, "'stages[0].x'"),
      (#"{"stages": [{"length": 4, "sequences": 2}]}"#, "lacks 'step'"),
      (#"{"steps": "7"}"#, "'steps'"), (#"{"steps": 0}"#, "number of steps is 0"),
      (#"{"schedule": {"shape": "round"}}"#, "'schedule.shape'"),
      (#"{"stages": []}"#, "first stage"), (#"{"optimizer": {"beta1": 1}}"#, "beta1 is 1"),
      ("7", "not an object"),
    ]
    for (text, expected) in cases {
      let found = sentence { _ = try read(text) } ?? "no error"
      #expect(found.contains(expected), "\(text): \(found)")
    }
  }

  @Test("the tokens of a run are those of its stages")
  func tokens() {
    #expect(TinyRun.configuration.tokenCount == 2 * (11 * 32 + 19 * 40))
  }
}
