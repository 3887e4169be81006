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

  /// What is measured with a model.
  struct Sizes {
    var name = "Jet-Nemotron-2B"
    var configuration = ModelConfiguration.jetNemotron2B
    var dtype = DType.bfloat16
    var count = 64
    /// Of a prompt that shares nothing.
    var short = 512
    /// Of a beginning that all share, and what follows.
    var shared = 4096
    var own = 128
    /// As `jet generate` reads on a GPU.
    var chunkTokens = 4096
  }

  static func run(_ device: Device = .cuda(0), _ sizes: Sizes = Sizes()) throws {
    print(
      "\(sizes.name), random weights, \(sizes.dtype): prompts in the engine, in pieces of "
        + "\(sizes.chunkTokens) tokens")
    let rows = try [false, true].flatMap { try measure(device, sizes, keepsStates: $0) }
    try printJSON(Result(model: sizes.name, chunkTokens: sizes.chunkTokens, rows: rows))
  }

  private static func measure(
    _ device: Device, _ sizes: Sizes, keepsStates: Bool
  ) throws -> [Row] {
    let store = ParameterStore(source: nil, dtype: sizes.dtype, device: device, seed: 3)
    let model = try HybridModel(sizes.configuration, parameters: store)
    let pools = PoolSizes(sequences: sizes.count + 1, context: sizes.shared + sizes.own + 2)
    var options = EngineOptions()
    options.chunkTokens = sizes.chunkTokens
    if keepsStates {
      options.prefixes = PrefixOptions()
      options.prefixes?.maximumBytes = 4 << 30
    }
    let runner: any EngineRunner =
      device == .cpu
      ? try PooledRunner(model, sizes: pools) : try GraphRunner(model, sizes: pools)
    let engine = try Engine(runner: runner, options: options)
    defer { engine.shutdownAndWait(cancelling: true) }
    var random = RandomNumbers(seed: 23)
    func tokens(_ count: Int) -> [Int] {
      (0..<count).map { _ in Int.random(in: 0..<sizes.configuration.vocabularySize, using: &random)
      }
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
        name: name, prompts: sizes.count, tokensEach: each, seconds: middle.seconds,
        tokensPerSecond: Double(sizes.count * each) / middle.seconds, reused: middle.reused)
      print(
        "\(row.prompts) prompts of \(each) tokens, \(name): \(rounded(row.seconds)) s, "
          + "\(Int(row.tokensPerSecond)) tokens/s, \(row.reused) tokens reused")
      return row
    }
    let sharing = sizes.shared + sizes.own
    func behindOneBeginning() -> [[Int]] {
      let beginning = tokens(sizes.shared)
      return (0..<sizes.count).map { _ in beginning + tokens(sizes.own) }
    }
    if keepsStates {
      return [try row("a shared beginning, states kept", sharing, behindOneBeginning)]
    }
    func short() -> [[Int]] { (0..<sizes.count).map { _ in tokens(sizes.short) } }
    return [
      try row("one after another", sizes.short, together: false, short),
      try row("packed", sizes.short, short),
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
