import JetKernels
import JetTensor

/// The sampling step beside its definition: the same ids, but where rounding moves a border of many tokens.
enum SampleStepChecks {
  private static let device = Device.cuda(0)

  /// Options of a row.
  struct Choice {
    var temperature: Float = 1
    var topK: Int32 = 0
    var topP: Float = 1
    var minP: Float = 0
  }

  static let choices = [
    Choice(temperature: 0), Choice(), Choice(temperature: 0.7, topP: 0.95),
    Choice(topK: 50), Choice(topK: 1), Choice(temperature: 1.3, topK: 40, topP: 0.9),
    Choice(minP: 0.05), Choice(temperature: 2, topK: 200, topP: 0.99, minP: 0.01),
    Choice(temperature: 1e-3, topP: 0.5), Choice(topP: 1e-4), Choice(topK: 1 << 30, topP: 0.999),
    // So flat that the search meets more tokens of nearly the same weight than it can list.
    Choice(temperature: 20, topP: 0.8), Choice(temperature: 20, topK: 1000, topP: 0.8),
  ]

  static func options(_ rows: [Choice]) -> SampleOptions {
    SampleOptions(
      temperature: Tensor(rows.map(\.temperature)).to(device),
      topK: Tensor(rows.map(\.topK)).to(device), topP: Tensor(rows.map(\.topP)).to(device),
      minP: Tensor(rows.map(\.minP)).to(device),
      seeds: Tensor(rows.indices.map { $0 * 1_000_003 - 5 }).to(device),
      positions: Tensor(rows.indices.map { Int32($0 * 37 % 1000) }).to(device))
  }

  static func run(small: Bool, _ tally: inout Tally) {
    withoutGradients {
      for width in small
        ? [5, 1000] : [1, 2, 5, 31, 1000, 4099, 32_000, 151_936, 262_144, 500_000]
      {
        // The definition sorts on the host: few rows of many logits.
        let repeats = width > 100_000 ? 1 : small ? 2 : 8
        compare(width: width, repeats: repeats, levels: nil, &tally)
        // Few different logits, so that there are many equal ones at every border.
        compare(width: width, repeats: repeats, levels: 6, &tally)
      }
      invalid(&tally)
      if !small { distribution(&tally) }
    }
  }

  private static func compare(
    width: Int, repeats: Int, levels: Int?, _ tally: inout Tally
  ) {
    let rows = (0..<repeats).flatMap { _ in choices }
    let generator = Generator(seed: 11, device: device)
    var logits = Tensor.randomNormal([rows.count, width + 1], generator: generator) * 3
    if let levels { logits = (logits * (Double(levels) / 12)).to(.int64).float32 }
    logits = logits.slice(0..<width, dim: 1)  // rows that are not aligned
    let all = options(rows)
    let expected = sampleStepDefinition(logits.contiguous(), all).array(of: Int.self)
    let found = sampleStep(logits, all).array(of: Int.self)
    let again = sampleStep(logits.contiguous(), all).array(of: Int.self)
    let different = zip(found, expected).count { $0 != $1 }
    let name = "sampling of \(rows.count) × \(width)\(levels == nil ? "" : ", many equal")"
    // Weights are float32 here and float64 there: of many equal ones the place of a border, a number of tokens, is known to
    // 10⁻⁷ of itself, so of 500,000 tokens it is a neighbour in some percent of the rows.
    let allowed = width <= 1000 ? 0 : 1 + rows.count / 20
    tally.record(
      different <= allowed, "\(name): \(different) other ids than the definition's")
    tally.record(found == again, "\(name): the same ids again, aligned")
    tally.record(
      zip(rows, zip(found, expected)).allSatisfy { $0.temperature > 0 || $1.0 == $1.1 },
      "\(name): greedy ids")
  }

  private static func invalid(_ tally: inout Tally) {
    let width = 9000
    for (name, value, place) in [
      ("NaN", Float.nan, 8999), ("NaN", .nan, 0), ("infinity", .infinity, 4321),
    ] {
      var row = [Float](repeating: 1, count: width)
      row[place] = value
      let ids = sampleStep(
        Tensor(row, shape: [1, width]).to(device).expanded([2, width]).contiguous(),
        options([Choice(temperature: 0), Choice()]))
      tally.record(ids.array(of: Int.self) == [-1, -1], "sampling with \(name) at \(place)")
    }
    let nothing = Tensor.full([1, width], -.infinity, device: device)
    tally.record(
      sampleStep(nothing, options([Choice()])).array(of: Int.self) == [-1],
      "sampling with all excluded")
  }

  private static func distribution(_ tally: inout Tally) {
    let weights = [4.0, 1, 2, 8, 1, 16]
    let count = 60_000
    let row = log(Tensor(weights.map(Float.init))).unsqueezed(0).expanded([count, 6]).contiguous()
    let ids = sampleStep(
      row.to(device), options([Choice](repeating: Choice(), count: count))
    ).array(of: Int.self)
    let total = weights.reduce(0, +)
    let chiSquare = weights.enumerated().reduce(0.0) { sum, pair in
      let expected = pair.element / total * Double(count)
      let difference = Double(ids.count { $0 == pair.offset }) - expected
      return sum + difference * difference / expected
    }
    // 5 degrees of freedom; one in 10,000 has more.
    tally.record(chiSquare < 25.7, "sampling follows probabilities: chi-square \(chiSquare)")
  }
}
