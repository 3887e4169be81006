import Foundation
import JetInference
import JetModels
import JetTensor

/// Times the prompts of many requests in the engine: packed beside one after another, with a shared beginning and
/// without. Weights and tokens are random. A table for people and a line of JSON.
///
/// The time is that from the first request to the last one's first token, the median of three runs with other tokens each.
enum EngineBenchmark {
  struct Row: Encodable {
    let name: String
    let prompts: Int
    let tokensEach: Int
    let seconds: Double
    let tokensPerSecond: Double
    /// Tokens of all prompts that were not read, for an earlier prompt began with them.
    let reused: Int
  }

  struct Result: Encodable {
    let benchmark = "enginePrompts"
    let model: String
    let chunkTokens: Int
    let rows: [Row]
  }

  private static let name = "Jet-Nemotron-2B"
  private static let configuration = ModelConfiguration.jetNemotron2B
  private static let count = 64
  /// Tokens of a prompt that shares nothing.
  private static let short = 512
  /// Tokens of a beginning that all share, and of what follows.
  private static let (shared, own) = (4096, 128)
  /// As `jet generate` reads on a GPU.
  private static let chunkTokens = 4096

  static func run() throws {
    print("\(name), random weights: prompts in the engine, in pieces of \(chunkTokens) tokens")
    let rows = try [false, true].flatMap { try measure(keepsStates: $0) }
    try printJSON(Result(model: name, chunkTokens: chunkTokens, rows: rows))
  }

  private static func measure(keepsStates: Bool) throws -> [Row] {
    let store = ParameterStore(source: nil, dtype: .bfloat16, device: .cuda(0), seed: 3)
    let model = try HybridModel(configuration, parameters: store)
    let pools = PoolSizes(sequences: count + 1, context: shared + own + 2)
    var options = EngineOptions()
    options.chunkTokens = chunkTokens
    if keepsStates {
      options.prefixes = PrefixOptions()
      options.prefixes?.maximumBytes = 4 << 30
    }
    let engine = try Engine(runner: GraphRunner(model, sizes: pools), options: options)
    defer { engine.shutdownAndWait(cancelling: true) }
    var random = RandomNumbers(seed: 23)
    func tokens(_ count: Int) -> [Int] {
      (0..<count).map { _ in Int.random(in: 0..<configuration.vocabularySize, using: &random) }
    }
    func row(
      _ name: String, _ each: Int, together: Bool = true, _ prompts: () -> [[Int]]
    ) throws -> Row {
      // The first run is not counted: kernels are compiled and memory is taken.
      let runs = try (0..<4).map { _ in
        try seconds(engine, prompts(), together: together)
      }.dropFirst().sorted { $0.seconds < $1.seconds }
      let middle = runs[1]
      let row = Row(
        name: name, prompts: count, tokensEach: each, seconds: middle.seconds,
        tokensPerSecond: Double(count * each) / middle.seconds, reused: middle.reused)
      print(
        "\(row.prompts) prompts of \(each) tokens, \(name): \(rounded(row.seconds)) s, "
          + "\(Int(row.tokensPerSecond)) tokens/s, \(row.reused) tokens reused")
      return row
    }
    let sharing = shared + own
    func behindOneBeginning() -> [[Int]] {
      let beginning = tokens(shared)
      return (0..<count).map { _ in beginning + tokens(own) }
    }
    if keepsStates {
      return [try row("a shared beginning, states kept", sharing, behindOneBeginning)]
    }
    func apart() -> [[Int]] { (0..<count).map { _ in tokens(short) } }
    return [
      try row("one after another", short, together: false, apart),
      try row("packed", short, apart),
      try row("a shared beginning, nothing kept", sharing, behindOneBeginning),
    ]
  }

  private static func seconds(
    _ engine: Engine, _ prompts: [[Int]], together: Bool
  ) throws -> (seconds: Double, reused: Int) {
    var sampling = SamplingOptions()
    sampling.temperature = 0
    let requests = prompts.map {
      EngineRequest(
        prompt: $0, options: GenerationOptions(maximumTokens: 1, sampling: sampling))
    }
    let before = engine.statistics.reusedTokens
    let start = ContinuousClock.now
    for some in together ? [requests] : requests.map({ [$0] }) {
      guard try engine.tokens(some).allSatisfy({ $0.count == 1 }) else {
        throw CheckError("a request of the engine's benchmark ended without a token")
      }
    }
    return (
      (ContinuousClock.now - start) / .seconds(1), engine.statistics.reusedTokens - before
    )
  }
}
