import ArgumentParser
import JetInference
import JetTensor
import Testing

@testable import jet

struct ArgumentTests {
  @Test func `options reach the values that are used`() throws {
    let command = try #require(
      try Jet.parseAsRoot([
        "generate", "m", "text", "--temperature", "0", "--top-k", "5", "--logit-bias", "42=-5",
        "--logit-bias", "7=1.5", "--seed", "9", "--stop", "a", "--stop", "-b", "--dtype", "float32",
        "--device", "cuda:1",
      ]) as? Generate)
    let options = try command.sampling.options()
    #expect(options.temperature == 0 && options.topK == 5 && options.seed == 9)
    #expect(options.logitBias == [42: -5, 7: 1.5])
    #expect(command.length.stop == ["a", "-b"])
    #expect(command.runtime.dtype?.dtype == .float32)
    #expect(command.runtime.device == .cuda(1))
    #expect(command.prompt.text == "text" && !command.prompt.chat)
  }

  @Test func `a dash is standard input, and ids may have commas or spaces`() throws {
    let command = try #require(try Jet.parseAsRoot(["generate", "m", "-"]) as? Generate)
    #expect(command.prompt.text == "-")
    #expect(IntegerList(argument: "1, 2 3,-4")?.values == [1, 2, 3, -4])
    for text in ["", ",", "1,x", "1.5"] { #expect(IntegerList(argument: text) == nil) }
  }

  @Test(
    arguments: [
      (["generate", "m"], "There is no prompt"),
      (["generate", "m", "a", "--ids", "1"], "The prompt is given 2 times"),
      (["generate", "m", "--ids", "1", "--chat"], "--chat takes a text"),
      (["generate", "m", "a", "--system", "s"], "--system needs --chat"),
      (["generate", "m", "a", "--temperature", "-1"], "--temperature is -1.0"),
      (["generate", "m", "a", "--temperature", "nan"], "--temperature is nan"),
      (["generate", "m", "a", "--top-p", "0"], "--top-p is 0.0"),
      (["generate", "m", "a", "--top-k", "0"], "--top-k is 0"),
      (["generate", "m", "a", "--logit-bias", "42"], "The logit bias 42 is not ID=VALUE"),
      (["generate", "m", "a", "--logit-bias", "-1=2"], "--logit-bias token is -1"),
      (["generate", "m", "a", "--max-tokens", "-5"], "--max-tokens is -5"),
      (["generate", "m", "a", "--samples", "0"], "The number of samples is 0"),
      (["generate", "m", "a", "--context", "0"], "The context is 0 tokens"),
      (["generate", "m", "a", "--stop", ""], "A stop text is empty"),
      (["generate", "m", "a", "--threads", "0"], "The number of threads is 0"),
      (["generate", "m", "a", "--device", "gpu"], "There is no device gpu"),
      (["generate", "m", "a", "--dtype", "int8"], "The value 'int8' is invalid"),
      (["chat", "m", "--max-tokens", "-1"], "--max-tokens is -1"),
      (["info"], "There is no model"),
      (["info", "m", "--preset", "p"], "Both MODEL and --preset"),
      (["info", "m", "--context", "0"], "The context is 0 tokens"),
      (["tokenize", "m"], "There is no text"),
      (["tokenize", "m", "a", "--jsonl", "f"], "Give a text or --jsonl"),
      (["logits", "m", "--out", "f"], "There are no tokens"),
      (["logits", "m", "--out", "f", "--ids", "1", "--batch", "g"], "Give --ids or --batch"),
      (["logits", "m", "--ids", "1"], "Missing expected argument '--out"),
      (["bench", "m", "--prompt", "-1"], "--prompt is -1"),
      (["bench", "m", "--prompt", "0", "--generate", "0"], "at least one of them above 0"),
      (["bench", "m", "--batch", "1,0"], "--batch is 0"),
      (["bench", "m", "--depth", "-4"], "--depth is -4"),
      (["bench", "m", "--repeat", "0"], "--repeat is 0"),
      (["bench", "m", "--chunk", "0"], "--chunk is 0"),
      (["bench", "m", "--depth", "\(Int.max)"], "--depth is \(Int.max)"),
      (["bench-training", "m", "--sequences", "65536", "--length", "65536"], "are too many"),
      (["generate", "m", "a", "--max-tokens", "\(Int.max)"], "give 0 to 16777216"),
      (["generate", "m", "a", "--threads", "1025"], "give 1 to 1,024"),
      (["eval", "m"], "There is no task"),
      (["eval", "m", "--tasks", " ,"], "There is no task"),
      (["eval", "m", "--tasks", "piqa", "--limit", "0"], "--limit is 0"),
      (["eval", "m", "--tasks", "piqa", "--few-shot", "-1"], "--few-shot is -1"),
      (["eval", "m", "--tasks", "piqa", "--batch-tokens", "0"], "--batch-tokens is 0"),
      (["eval", "m", "--tasks", "piqa", "--window", "0"], "--window is 0"),
      (["eval", "m", "--tasks", "piqa", "--cache", "f", "--no-cache"], "Both --cache"),
      (["nothing"], "Unexpected argument 'nothing'"),
    ] as [([String], String)])
  func `bad input ends in a sentence`(arguments: [String], sentence: String) {
    do {
      _ = try Jet.parseAsRoot(arguments)
      Issue.record("\(arguments) was taken")
    } catch {
      #expect(Jet.message(for: error).contains(sentence))
      #expect(Jet.exitCode(for: error) != .success)
    }
  }

  @Test func `what goes wrong later is printed as its sentence`() {
    let error = CommandError("A sentence.")
    #expect(Jet.fullMessage(for: error) == "Error: A sentence.")
    #expect(Jet.exitCode(for: error).rawValue == 1)
  }
}
