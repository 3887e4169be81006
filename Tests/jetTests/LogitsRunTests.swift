import Foundation
import JetFormats
import JetInference
import JetKernels
import JetModels
import JetTensor
import JetTestSupport
import Testing

@testable import jet

struct LogitsRunTests {
  private let configuration = ModelConfiguration(
    family: .jetNemotron, vocabularySize: 30, width: 16, mlpWidth: 32,
    mixers: [
      .jet(JetBlockConfiguration(heads: 2, keyWidth: 4, valueWidth: 8)),
      .attention(AttentionConfiguration(heads: 2, keyValueHeads: 1, headWidth: 8)),
      .attention(AttentionConfiguration(heads: 2, keyValueHeads: 1, headWidth: 8, window: 4)),
    ],
    normEps: 1e-6, rotary: RotaryConfiguration(theta: 1e4), maximumPositions: 40,
    tiesEmbeddings: true, initializerDeviation: 0.2)

  private func model() throws -> HybridModel {
    try HybridModel(
      configuration, parameters: ParameterStore(source: nil, dtype: .float32, seed: 5))
  }

  private func logits(_ rows: [[Int]], _ pieces: [Int]?, _ model: HybridModel) throws -> [Float] {
    try LogitsRun(rows: rows, pieces: pieces, configuration)
      .logits(model, isCancelled: { false }).array()
  }

  private func running<Result>(_ fast: Bool, _ body: () throws -> Result) rethrows -> Result {
    fast ? try body() : try FastForm.disabled(body)
  }

  private func distance(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count, (a + b).allSatisfy(\.isFinite) else { return .infinity }
    return zip(a, b).map { abs($0 - $1) }.max() ?? 0
  }

  private let tokens = (0..<20).map { ($0 * 13 + 5) % 30 }

  @Test(
    arguments: [[20], [1, 19], [7, 1, 12], Array(repeating: 1, count: 20)], [true, false])
  func `pieces give the logits of the whole`(pieces: [Int], fast: Bool) throws {
    try running(fast) {
      let model = try model()
      let whole = try logits([tokens], nil, model)
      #expect(whole.count == 20 * 30)
      #expect(distance(try logits([tokens], pieces, model), whole) < 1e-4)
    }
  }

  @Test(arguments: [nil, [3, 9, 8], [13, 7]] as [[Int]?], [true, false])
  func `a padded row has the logits that it has alone, then zeros`(
    pieces: [Int]?, fast: Bool
  ) throws {
    try running(fast) {
      let model = try model()
      let short = Array(tokens.suffix(7))
      let both = try logits([tokens, short], pieces, model)
      let alone = try logits([short], nil, model)
      let (padded, padding) = (both[(20 * 30)..<(27 * 30)], both[(27 * 30)...])
      #expect(distance(Array(padded), alone) < 1e-4)
      #expect(padding.count == 13 * 30 && padding.allSatisfy { $0 == 0 })
    }
  }

  @Test func `what does not fit the model is refused`() {
    func refused(_ rows: [[Int]], _ pieces: [Int]? = nil) -> String {
      do {
        _ = try LogitsRun(rows: rows, pieces: pieces, configuration)
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(refused([[]]).hasPrefix("The prompt has no tokens"))
    #expect(refused([[3, 30]]).contains("token 30, which is not in the vocabulary of 30"))
    #expect(refused([[3], [-1]]).contains("token -1"))
    #expect(refused([Array(repeating: 1, count: 41)]).hasPrefix("A context of 41 tokens"))
    #expect(
      refused([[1, 2, 3]], [1, 1])
        == "The pieces have 2 tokens together and the longest sequence has 3; give pieces that sum "
        + "to 3.")
    #expect(refused([[1, 2, 3]], [-1, 4]).hasPrefix("A piece has -1 tokens"))
  }

  @Test func `a batch is read from a file with and without lengths`() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "batch.safetensors")
    func tensor(_ name: String, _ shape: [Int], _ values: [Int32]) -> TensorToWrite {
      TensorToWrite(name: name, elementType: .int32, shape: shape) {
        values.withUnsafeBytes { Data($0) }
      }
    }
    let ids = tensor("input_ids", [2, 3], [1, 2, 3, 4, 5, 0])
    try SafetensorsWriter.write([ids], to: url)
    #expect(try TokenFile.rows(url.path) == [[1, 2, 3], [4, 5, 0]])
    try SafetensorsWriter.write([ids, tensor("lengths", [2], [3, 2])], to: url)
    #expect(try TokenFile.rows(url.path) == [[1, 2, 3], [4, 5]])
    try SafetensorsWriter.write([ids, tensor("lengths", [2], [3, 4])], to: url)
    #expect(throws: CommandError.self) { try TokenFile.rows(url.path) }
    try SafetensorsWriter.write([tensor("input_ids", [6], [1, 2, 3, 4, 5, 0])], to: url)
    #expect(throws: CommandError.self) { try TokenFile.rows(url.path) }
  }
}
