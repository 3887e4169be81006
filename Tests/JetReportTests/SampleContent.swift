import Foundation
import JetReport

/// Invented content of the shape that a real run has; nothing in it was measured.
enum SampleContent {
  private static let uniform = "LLFLLLLLLFLLLLLLFLLLLLLFLLLLLL"
  private static let searched = "LLLLFLLLWLLFLLLLLLFLLWLLFLLLLL"

  /// A number between -1 and 1 that looks random and is always the same.
  private static func wobble(_ index: Int) -> Double { sin(Double(index) * 12.9898 + 4.1) }

  private static func percent(_ value: Double, _ error: Double = 0.031) -> Estimate {
    Estimate(value, standardError: error, unit: .fraction)
  }

  private static func tasks(_ values: [Double]) -> [TaskScore] {
    zip(["HellaSwag", "PIQA", "ARC-Easy", "Retrieval"], values).enumerated().map { index, pair in
      TaskScore(task: pair.0, score: percent(pair.1, 0.021 + 0.004 * Double(index)))
    }
  }

  /// A run that came to its end.
  static var complete: ReportContent {
    var content = ReportContent(title: "SAMPLE: PostNAS of a small teacher")
    content.teacher = "Sample-135M-Instruct"
    content.machine = "Sample processor, 2 cores, 8 GiB"
    content.date = "1 January 2000"
    content.jetVersion = "0.0.0-sample"
    content.teacherShape = TeacherShape(
      layerCount: 30, width: 576, headCount: 9, keyValueHeadCount: 3, headWidth: 64,
      feedForwardWidth: 1_536, vocabularyCount: 49_152, parameterCount: 134_515_008,
      contextTokens: 8_192)
    content.configuration = """
      # invented values of a sample
      teacher: sample
      placement:
        objective: retrieval
        strategy: beam
        beamWidth: 8
      """
    content.chosenPlacement = searched
    content.chosenBlock = "JetBlock (12 heads of 96 × 256)"
    addSearch(to: &content)
    addResults(to: &content)
    content.notes = [
      "This content is a sample for tests; no number in it was measured.",
      "With 200 items a task, differences under three points lie within the errors.",
    ]
    return content
  }

  /// A run that has come to its placements.
  static var partial: ReportContent {
    var content = ReportContent(title: "SAMPLE: a run in progress")
    content.teacher = "Sample-135M-Instruct"
    content.importance = Array(complete.importance.prefix(1))
    content.importance[0].layers[4] = Estimate(.nan)
    content.placements = Array(complete.placements.prefix(1))
    content.missing = ["comparison of blocks", "sizes of the block", "final training"]
    return content
  }

  private static func addSearch(to content: inout ReportContent) {
    content.importance = ["loss", "retrieval", "multiple choice", "mathematics"].enumerated().map {
      row, name in
      LayerImportance(
        objective: name,
        layers: (0..<30).map { layer in
          let peak = exp(-pow(Double(layer - 8 - 5 * row), 2) / 18)
          return Estimate(
            0.02 + 0.3 * peak + 0.05 * wobble(layer + 31 * row), standardError: 0.018)
        })
    }
    for (offset, objective) in ["loss", "retrieval"].enumerated() {
      for strategy in ["beam", "greedy", "evolution", PlacementRow.uniformStrategy] {
        for count in [1, 2, 3, 4, 6, 8] {
          let isUniform = strategy == PlacementRow.uniformStrategy
          let base = 0.30 + 0.045 * log2(Double(count) + 1) + 0.02 * wobble(count + offset)
          let gain = isUniform ? 0 : 0.035 + 0.012 * wobble(strategy.count + count)
          let placement = isUniform ? uniform : searched
          content.placements.append(
            PlacementRow(
              objective: objective, strategy: strategy, count: count,
              placement: strategy == "beam" && count == 4 ? searched : String(placement.reversed()),
              score: offset == 0
                ? Estimate(-3.4 + base + gain, standardError: 0.014) : percent(base + gain, 0.02),
              differenceToUniform: isUniform
                ? nil
                : offset == 0 ? Estimate(gain, standardError: 0.009) : percent(gain, 0.011)))
        }
      }
    }
    let names = ["RetNet", "Mamba2", "GLA", "DeltaNet", "Gated DeltaNet", "JetBlock", "RWKV7"]
    content.blocks = names.enumerated().map { index, name in
      BlockRow(
        name: name, parameterCount: 131_000_000 + index * 2_345_678,
        scores: tasks([0.38, 0.60, 0.48, 0.22].map { $0 + 0.012 * Double(index % 6) }),
        trainingTokensPerSecond: Estimate(206.4 - 9 * Double(index), standardError: 4.2),
        prefillTokensPerSecond: Estimate(1_534 - 71 * Double(index), standardError: 23),
        decodeTokensPerSecond: Estimate(61.3 - 2.1 * Double(index), standardError: 1.3),
        stateBytes: 147_456 + index * 9_216, isChosen: name == "JetBlock")
    }
    content.ablations = ["as chosen", "without the convolution", "convolution on q, k and v"]
      .enumerated().map { index, name in
        BlockRow(
          name: name, scores: tasks([0.43, 0.65, 0.53, 0.27].map { $0 - 0.015 * Double(index) }),
          isChosen: index == 0)
      }
    for (index, key) in [32, 48, 64, 96].enumerated() {
      for (other, value) in [64, 96, 128].enumerated() {
        let speed = 66 - 4 * Double(index) - 3.2 * Double(other)
        let quality =
          0.44 + 0.02 * log2(Double(key * value) / 2_048) + 0.008 * wobble(index + other)
        content.grid.append(
          GridRow(
            keyWidth: key, valueWidth: value, headCount: 576 / max(key, 64),
            parameterCount: 130_000_000 + key * value * 900, stateBytes: key * value * 36,
            tokensPerSecond: Estimate(speed, standardError: 0.8), score: percent(quality, 0.008),
            isChosen: key == 48 && value == 128))
      }
    }
    content.grid = content.grid.map { row in
      var row = row
      row.isOnFront = !content.grid.contains {
        ($0.tokensPerSecond?.value ?? 0) > (row.tokensPerSecond?.value ?? 0)
          && ($0.score?.value ?? 0) >= (row.score?.value ?? 0)
      }
      return row
    }
  }

  private static func addResults(to content: inout ReportContent) {
    content.gains = [
      ("evenly spaced attention", [0.39, 0.605, 0.47, 0.19]),
      ("searched placement", [0.405, 0.615, 0.485, 0.25]),
      ("JetBlock", [0.421, 0.622, 0.50, 0.268]),
      ("searched sizes", [0.425, 0.63, 0.512, 0.271]),
    ].map { GainStep(name: $0.0, scores: tasks($0.1)) }
    func curve(
      _ stage: String, _ name: String, _ count: Int, every: Int = 1, floor: Double
    ) -> LossCurve {
      LossCurve(
        stage: stage, name: name,
        points: (1...count).map { $0 * every }.map { step in
          LossPoint(
            tokens: Double(step) * 4_096,
            loss: floor + 4 * pow(Double(step), -0.45) + 0.05 * wobble(step))
        })
    }
    content.losses = [
      curve("Layer by layer", "training", 3_000, floor: 0.06),
      curve("Super network", "training", 900, floor: 3.1),
      curve("Super network", "validation", 18, every: 50, floor: 3.2),
      curve("Final training", "training", 5_000, floor: 2.7),
      curve("Final training", "validation", 25, every: 200, floor: 2.8),
    ]
    let teacher = content.teacher
    content.comparison = [
      ModelRow(
        name: teacher, role: .teacher, scores: tasks([0.465, 0.62, 0.52, 0.41]),
        perplexity: Estimate(16.24, standardError: 0.31), stateBytes: 377_487_360),
      ModelRow(
        name: "uniform hybrid", role: .uniform, scores: tasks([0.398, 0.607, 0.48, 0.19]),
        perplexity: Estimate(23.9, standardError: 0.45), stateBytes: 57_344_000),
      ModelRow(
        name: "searched hybrid", role: .searched, scores: tasks([0.425, 0.63, 0.512, 0.271]),
        perplexity: Estimate(21.37, standardError: 0.41), stateBytes: 58_982_400,
        differences: [
          PairedDifference(other: teacher, task: "HellaSwag", difference: percent(-0.04, 0.018)),
          PairedDifference(other: teacher, task: "Retrieval", difference: percent(-0.139, 0.022)),
          PairedDifference(
            other: "uniform hybrid", task: "HellaSwag", difference: percent(0.027, 0.017)),
          PairedDifference(
            other: "uniform hybrid", task: "Retrieval", difference: percent(0.081, 0.019)),
        ]),
    ]
    content.comparisonContext = 8_192
    let contexts = [512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768]
    content.contexts = [
      ContextCurve(
        model: teacher, role: .teacher,
        points: contexts.map { context in
          let rate = 70 / (1 + Double(context) / 4_000)
          return ContextPoint(
            context: context,
            prefillTokensPerSecond: Estimate(
              1_500 / (1 + Double(context) / 12_000), standardError: 25),
            decodeTokensPerSecond: Estimate(rate, standardError: rate * 0.04),
            cacheBytes: context * 46_080)
        }),
      ContextCurve(
        model: "searched hybrid", role: .searched,
        points: contexts.map { context in
          let rate = 62 / (1 + Double(context) / 30_000)
          return ContextPoint(
            context: context,
            prefillTokensPerSecond: Estimate(
              1_300 / (1 + Double(context) / 80_000), standardError: 20),
            decodeTokensPerSecond: Estimate(rate, standardError: rate * 0.04),
            cacheBytes: context * 6_144 + 4_500_000)
        }),
    ]
    content.costs = [
      StageCost(
        stage: "layer by layer", seconds: 18_432, tokens: 12_288_000, flops: 4.1e15),
      StageCost(
        stage: "placement", seconds: 9_120.5, tokens: 3_400_000, flops: 9.2e14, candidates: 1_432),
      StageCost(stage: "blocks", seconds: 41.7, tokens: 7_000, candidates: 7),
    ]
  }
}
