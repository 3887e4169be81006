import Foundation
import JetCheckpoint
import JetFormats
import JetKernels
import JetModels
import JetTensor
import JetTestSupport
import JetText
import Testing

/// SmolLM2-135M-Instruct as `make setup` fetches it, against what Hugging Face transformers computed from the same
/// numbers in float32.
@Suite("SmolLM2-135M-Instruct", .serialized)
struct SmolLM2Tests {
  struct Prompt: Decodable {
    let prompt: String
    let ids: [Int]
    let nllSum: Double
    let greedyIds: [Int]
  }

  private static let file =
    testsFolder
    .appending(path: "../.deps/models/SmolLM2-135M-Instruct.Q4_1.gguf").standardizedFileURL
  private static let golden = fixtures.appending(path: "smollm2-135m")

  @Test(
    "Logits, likelihoods and greedy tokens are those of transformers",
    .enabled(
      if: exists(file), "the model is not in .deps/models; `make setup` fetches it"),
    arguments: [true, false])
  func likeTransformers(fast: Bool) throws {
    let checkpoint = try Checkpoint(Self.file.path)
    #expect(checkpoint.defaultDType == .bfloat16)
    let clock = ContinuousClock()
    var loaded: HybridModel?
    let start = Foundation.clock()
    let seconds = try clock.measure { loaded = try checkpoint.model(dtype: .float32) }
    let busy = Double(Foundation.clock() - start) / Double(CLOCKS_PER_SEC)
    print(
      "SmolLM2 of \(checkpoint.storedByteCount) bytes loaded as float32 in \(seconds), \(busy) s of a core"
    )
    let model = try #require(loaded)
    let tokenizer = try checkpoint.tokenizer()
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let data = try Data(contentsOf: Self.golden.appending(path: "prompts.json"))
    let prompts = try decoder.decode([Prompt].self, from: data)
    let logits = try SafetensorsFile(Self.golden.appending(path: "logits.safetensors"))
    #expect(prompts.count == 5)
    for (index, prompt) in prompts.enumerated() {
      #expect(tokenizer.encode(prompt.prompt) == prompt.ids)
      var expected = [Float](repeating: .nan, count: model.configuration.vocabularySize)
      let stored = try logits.tensor("logits_\(index)")
      try expected.withUnsafeMutableBufferPointer { try stored.read(into: $0) }
      withoutGradients {
        if fast {
          compare(model, prompt, expected)
        } else {
          FastForm.disabled { compare(model, prompt, expected, steps: 3) }
        }
      }
    }
  }

  private func compare(
    _ model: HybridModel, _ prompt: Prompt, _ expected: [Float], steps: Int = .max
  ) {
    var state = model.makeState()
    let rows = model.logits(model(TokenBatch([prompt.ids]), state: &state))
    let count = prompt.ids.count
    var last: [Float] = rows.slice(count - 1..<count, dim: 1).array()
    let worst = zip(last, expected).map { abs($0 - $1) }.reduce(0) { $0 >= $1 ? $0 : $1 }
    let isFinite = last.allSatisfy(\.isFinite)
    #expect(isFinite)
    #expect(worst <= 1e-2, "\(prompt.prompt): logits differ by \(worst)")

    var likelihood = 0.0
    for position in 1..<count {
      let row: [Float] = rows.slice(position - 1..<position, dim: 1).array()
      likelihood += Self.negativeLogLikelihood(row, prompt.ids[position])
    }
    let error = abs(likelihood / prompt.nllSum - 1)
    #expect(error <= 1e-3, "\(prompt.prompt): \(likelihood) for \(prompt.nllSum)")

    for (step, token) in prompt.greedyIds.prefix(steps).enumerated() {
      let best = last.indices.max { last[$0] < last[$1] } ?? 0
      if best != token {
        let gap = last[best] - last[token]
        print("\(prompt.prompt): token \(step) is \(best) for \(token), \(gap) apart")
        #expect(gap <= 1e-3, "\(prompt.prompt): token \(step) is \(best) for \(token)")
      }
      last = model.logits(model(TokenBatch([[token]]), state: &state)).array()
    }
    print("\(prompt.prompt.prefix(20).debugDescription): logits \(worst), likelihood \(error)")
  }

  private static func negativeLogLikelihood(_ logits: [Float], _ token: Int) -> Double {
    let highest = Double(logits.max() ?? 0)
    let sum = logits.reduce(0.0) { $0 + exp(Double($1) - highest) }
    return highest + log(sum) - Double(logits[token])
  }

  @Test(
    "Its chat template writes a conversation, and its texts end at the ends of turns",
    .enabled(if: exists(file), "the model is not in .deps/models; `make setup` fetches it"))
  func chat() throws {
    let checkpoint = try Checkpoint(Self.file.path)
    let template = try #require(try checkpoint.chatTemplate())
    let variables = try checkpoint.templateVariables()
    #expect(variables["bos_token"] == "<|im_start|>")
    #expect(variables["eos_token"] == "<|im_end|>")
    #expect(try checkpoint.endTokens() == [2])
    let text = try template.render(
      messages: [ChatMessage(role: "user", content: "What is gravity?")], variables: variables)
    #expect(text.hasSuffix("<|im_start|>user\nWhat is gravity?<|im_end|>\n<|im_start|>assistant\n"))
    let tokenizer = try checkpoint.tokenizer()
    #expect(tokenizer.decode(tokenizer.encode(text), skipSpecialTokens: false) == text)
  }
}
