import Foundation
import JetCheckpoint
import JetInference
import JetTestSupport
import JetText
import Testing

private let file = fixtures.appending(
  path: "../../.deps/models/SmolLM2-135M-Instruct.Q4_1.gguf"
).standardizedFileURL.path

@Suite(
  "The README's example",
  .enabled(if: FileManager.default.fileExists(atPath: file), "needs the model of `make setup`"))
struct ReadmeTests {
  @Test("A program of a few lines goes on with a text")
  func example() throws {
    let checkpoint = try Checkpoint(file)
    let tokenizer = try checkpoint.tokenizer()
    let sequence = try HybridSequence(try checkpoint.model())
    var options = GenerationOptions(maximumTokens: 4, stopTokens: try checkpoint.endTokens())
    options.sampling.temperature = 0
    var text = tokenizer.makeStreamDecoder(skipSpecialTokens: true)
    var said = ""
    _ = try generate(
      model: sequence, prompt: tokenizer.encode("The capital of France is"), options: options
    ) { token in
      said += text.append(token)
      return .proceed
    }
    #expect(said.hasPrefix(" Paris"))
  }
}
