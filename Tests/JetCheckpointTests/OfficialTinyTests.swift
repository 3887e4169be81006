import Foundation
import JetCheckpoint
import JetKernels
import JetModels
import JetTensor
import JetTestSupport
import Testing

private let folder = fixtures.appending(path: "official-tiny")

@Suite("Official tiny Jet-Nemotron")
struct OfficialTinyTests {
  private let golden: StoredNumbers
  let model: HybridModel

  init() throws {
    golden = try StoredNumbers(fixture: "official-tiny/golden.safetensors")
    model = try Checkpoint(folder.path).model(dtype: .float32)
  }

  @Test(
    "logits and hidden states of whole sequences are the official ones", arguments: [true, false])
  func prefill(fast: Bool) throws {
    let batch = TokenBatch(try golden.tokens("input_ids"))
    var inputs: [Tensor] = []
    func run() -> Tensor {
      var state = model.makeState(sequences: 2)
      return withoutGradients { model(batch, state: &state) { inputs.append($0.clone()) } }
    }
    let hidden = fast ? run() : FastForm.disabled(run)
    #expect(largestDifference(model.logits(hidden), try golden.numbers("prefill_logits")) < 5e-4)
    for (layer, input) in (inputs + [model.norm(hidden)]).enumerated() {
      #expect(relativeError(input, try golden.numbers("hidden_\(layer)")) < 1e-5, "layer \(layer)")
    }
  }

  @Test(
    "logits of pieces are the official ones",
    arguments: [[20, 11] + Array(repeating: 1, count: 17), [1, 47], [7, 9, 3, 29]], [true, false])
  func pieces(lengths: [Int], fast: Bool) throws {
    let tokens = Tensor(try golden.tokens("input_ids").flatMap { $0 }, shape: [2, 48])
    func run() -> Tensor {
      var state = model.makeState(sequences: 2, capacity: 4)
      var start = 0
      let parts = lengths.map { length in
        defer { start += length }
        let piece = TokenBatch(tokens.slice(start..<start + length, dim: 1))
        return withoutGradients { model.logits(model(piece, state: &state)) }
      }
      return Tensor.concatenate(parts, dim: 1)
    }
    let logits = fast ? run() : FastForm.disabled(run)
    #expect(largestDifference(logits, try golden.numbers("incremental_logits")) < 5e-4)
  }

  @Test("greedy tokens and the caches after them are the official ones")
  func greedy() throws {
    var state = model.makeState()
    let expected = try golden.tokens("greedy_tokens").joined()
    var next = try golden.tokens("greedy_prompt")[0]
    var produced: [Int] = []
    while produced.count < expected.count {
      let batch = TokenBatch([next])
      let last = withoutGradients {
        model.logits(model.lastTokens(model(batch, state: &state), batch))
      }
      next = [last.argmax(dim: -1).item(as: Int.self)]
      produced += next
    }
    #expect(produced == Array(expected))
    // The official caches have also taken in the last token.
    _ = withoutGradients { model(TokenBatch([next]), state: &state) }
    for layer in [0, 3, 5] {
      let jet = try #require(state.layers[layer].recurrent)
      #expect(relativeError(jet.memory, try golden.numbers("cache_recurrent_\(layer)")) < 1e-5)
      #expect(relativeError(jet.window, try golden.numbers("cache_conv_\(layer)")) < 1e-5)
    }
  }

  @Test("long bfloat16 logits are no further from float32 than the official ones")
  func long() throws {
    let batch = TokenBatch(try golden.tokens("long_ids"))
    func logits(_ model: HybridModel) -> Tensor {
      var state = model.makeState(sequences: 2)
      return withoutGradients { model.logits(model(batch, state: &state)).strided(by: 7, dim: 1) }
    }
    let wide = logits(model)
    let narrow = logits(try Checkpoint(folder.path).model(dtype: .bfloat16))
    #expect(relativeError(try golden.numbers("long_logits_bf16"), wide) < 0.05)
    #expect(
      relativeError(narrow, wide) <= relativeError(try golden.numbers("long_logits_bf16"), wide))
  }
}
