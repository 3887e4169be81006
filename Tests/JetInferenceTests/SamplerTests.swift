import Foundation
import Testing

@testable import JetInference

struct SamplerTests {
  private func options(_ change: (inout SamplingOptions) -> Void) -> SamplingOptions {
    var options = SamplingOptions()
    change(&options)
    return options
  }

  private func choose(
    _ sampler: inout Sampler, _ logits: [Float], _ history: TokenHistory = TokenHistory()
  ) throws -> (token: Int, logProbability: Float, logits: [Float]) {
    var logits = logits
    let choice = try logits.withUnsafeMutableBufferPointer { buffer throws(SamplingError) in
      try sampler.sample(buffer, history: history)
    }
    return (choice.token, choice.logProbability, logits)
  }

  private func counts(
    _ options: SamplingOptions, _ logits: [Float], draws: Int
  ) throws -> [Int] {
    var sampler = try Sampler(options: options, vocabularySize: logits.count)
    var counts = [Int](repeating: 0, count: logits.count)
    for _ in 0..<draws {
      counts[try choose(&sampler, logits).token] += 1
    }
    return counts
  }

  private func penalized(
    _ options: SamplingOptions, _ logits: [Float], prompt: [Int], generated: [Int]
  ) throws -> [Float] {
    var history = TokenHistory(prompt: prompt)
    generated.forEach { history.append($0) }
    var sampler = try Sampler(options: options, vocabularySize: logits.count)
    return try choose(&sampler, logits, history).logits
  }

  @Test func `greedy takes the highest logit, equal ones by lowest id`() throws {
    var sampler = try Sampler(options: options { $0.temperature = 0 }, vocabularySize: 5)
    #expect(try choose(&sampler, [1, 3, 2, 3, -.infinity]).token == 1)
    #expect(try choose(&sampler, [-.infinity, -.infinity, -4, -4, -5]).token == 2)
  }

  @Test func `the logarithm is that of the softmax`() throws {
    var sampler = try Sampler(options: options { $0.temperature = 0 }, vocabularySize: 3)
    let choice = try choose(&sampler, [0, log(2), log(5)])
    #expect(choice.token == 2)
    #expect(abs(choice.logProbability - log(0.625)) < 1e-6)
  }

  @Test func `a seed gives the same tokens, another seed others`() throws {
    let logits = (0..<100).map { sin(Float($0)) }
    func draw(seed: UInt64) throws -> [Int] {
      var sampler = try Sampler(options: options { $0.seed = seed }, vocabularySize: 100)
      return try (0..<50).map { _ in try choose(&sampler, logits).token }
    }
    #expect(try draw(seed: 1) == draw(seed: 1))
    #expect(try draw(seed: 1) != draw(seed: 2))
  }

  /// 24.32 is the 99.9 % point of chi-square with 7 degrees of freedom.
  @Test(
    arguments: [
      (1, nil, 1, 0), (0.5, nil, 1, 0), (2, nil, 1, 0), (1, 8, 1, 0), (1, 100, 1, 0),
      (1, nil, 0.99999, 0), (1, nil, 1, 0.001),
    ] as [(Float, Int?, Float, Float)])
  func `draws follow the probabilities`(
    temperature: Float, topK: Int?, topP: Float, minP: Float
  ) throws {
    let logits: [Float] = [0.5, -1, 2, 0, 1.5, -0.5, 1, 0.25]
    let options = options {
      $0.temperature = temperature
      $0.topK = topK
      $0.topP = topP
      $0.minP = minP
      $0.seed = 7
    }
    let draws = 20_000
    let observed = try counts(options, logits, draws: draws)
    let weights = logits.map { Double(exp($0 / temperature)) }
    let total = weights.reduce(0, +)
    let statistic = zip(observed, weights).reduce(0.0) { sum, pair in
      let expected = pair.1 / total * Double(draws)
      return sum + (Double(pair.0) - expected) * (Double(pair.0) - expected) / expected
    }
    #expect(statistic < 24.32)
  }

  /// The probabilities are 0.4, 0.3, 0.15, 0.1, 0.05.
  @Test(
    arguments: [
      (3, 1, 0, [0, 1, 2]), (1, 1, 0, [0]), (nil, 0.3, 0, [0]), (nil, 0.69, 0, [0, 1]),
      (nil, 0.71, 0, [0, 1, 2]), (nil, 0.94, 0, [0, 1, 2, 3]), (nil, 0.96, 0, [0, 1, 2, 3, 4]),
      (nil, 1, 0.2, [0, 1, 2, 3]), (nil, 1, 0.3, [0, 1, 2]), (nil, 1, 1, [0]),
      (3, 0.8, 0, [0, 1]), (3, 0.83, 0, [0, 1, 2]), (nil, 0.96, 0.5, [0, 1]),
      (4, 0.99, 0.3, [0, 1, 2]),
    ] as [(Int?, Float, Float, [Int])])
  func `top-k, top-p and min-p keep the expected tokens`(
    topK: Int?, topP: Float, minP: Float, kept: [Int]
  ) throws {
    let order = [3, 0, 4, 1, 2]
    let probabilities: [Float] = [0.4, 0.3, 0.15, 0.1, 0.05]
    var logits = [Float](repeating: 0, count: 5)
    for (rank, token) in order.enumerated() { logits[token] = log(probabilities[rank]) }
    let options = options {
      $0.topK = topK
      $0.topP = topP
      $0.minP = minP
    }
    let observed = try counts(options, logits, draws: 2000)
    #expect(Set(observed.indices.filter { observed[$0] > 0 }) == Set(kept.map { order[$0] }))
  }

  @Test func `top-k keeps the lowest ids of equal logits`() throws {
    let observed = try counts(
      options { $0.topK = 3 }, [Float](repeating: 1, count: 20), draws: 500)
    #expect(observed.indices.filter { observed[$0] > 0 } == [0, 1, 2])
  }

  @Test func `partial selection and bands agree with a full sort`() throws {
    var random = RandomNumbers(seed: 3)
    for _ in 0..<50 {
      let logits = (0..<500).map { _ in Float((random.nextUnit() * 80).rounded()) / 8 }
      let sorted = logits.indices.map { Candidate(logit: logits[$0], token: Int32($0)) }
        .sorted(by: Candidate.ranksBefore)
      let limit = Int(random.next() % 499) + 1
      let fraction = Float(random.nextUnit() * 0.99 + 0.005)
      let scale = TemperatureScale(maximum: sorted[0].logit, temperature: 0.7)
      logits.withUnsafeBufferPointer { buffer in
        var highest: [Candidate] = []
        highest.selectHighest(limit, of: buffer)
        highest.sort(by: Candidate.ranksBefore)
        #expect(highest.map(\.token) == sorted.prefix(limit).map(\.token))

        var nucleus: [Candidate] = []
        let total = nucleus.selectNucleus(fraction, of: buffer, scale: scale)
        nucleus.sort(by: Candidate.ranksBefore)
        nucleus.keepNucleus(fraction, of: total, scale: scale)
        var whole = sorted
        whole.keepNucleus(fraction, of: total, scale: scale)
        #expect(nucleus.map(\.token) == whole.map(\.token))
      }
    }
  }

  @Test func `the bias is added before the penalties`() throws {
    let options = options {
      $0.logitBias = [0: 3, 1: -5]
      $0.repetitionPenalty = 2
    }
    #expect(
      try penalized(options, [1, 1, 1], prompt: [0, 1], generated: []) == [2, -8, 1])
  }

  @Test func `repetition divides positive and multiplies negative logits once, prompt included`()
    throws
  {
    let result = try penalized(
      options { $0.repetitionPenalty = 2 }, [4, -4, 0, 6, -.infinity], prompt: [0, 0, 4],
      generated: [1, 1, 2])
    #expect(result == [2, -8, 0, 6, -.infinity])
  }

  @Test func `presence counts once and frequency each time, generated tokens only`() throws {
    let options = options {
      $0.presencePenalty = 0.5
      $0.frequencyPenalty = 0.25
    }
    #expect(
      try penalized(options, [1, 1, 1, 1], prompt: [0, 0], generated: [1, 2, 2, 2])
        == [1, 0.25, -0.25, 1])
  }

  @Test func `the window limits what the penalties see`() throws {
    var options = options {
      $0.repetitionPenalty = 2
      $0.frequencyPenalty = 1
      $0.penaltyWindow = 2
    }
    let logits: [Float] = [8, 8, 8, 8]
    #expect(
      try penalized(options, logits, prompt: [0], generated: [1, 2, 2]) == [8, 8, 2, 8])
    #expect(try penalized(options, logits, prompt: [0, 1], generated: [2]) == [8, 4, 3, 8])
    options.penaltyWindow = 0
    #expect(try penalized(options, logits, prompt: [0], generated: [1]) == logits)
  }

  @Test(arguments: [0, 1] as [Float])
  func `logits that allow no choice are refused`(temperature: Float) throws {
    var sampler = try Sampler(
      options: options { $0.temperature = temperature }, vocabularySize: 3)
    #expect(throws: SamplingError.invalidLogit(token: 1, value: "nan")) {
      try choose(&sampler, [0, .nan, 1])
    }
    #expect(throws: SamplingError.invalidLogit(token: 0, value: "nan")) {
      try choose(&sampler, [.nan, 1, 1])
    }
    #expect(throws: SamplingError.invalidLogit(token: 2, value: "inf")) {
      try choose(&sampler, [0, 0, .infinity])
    }
    #expect(throws: SamplingError.everyTokenExcluded(vocabularySize: 3)) {
      try choose(&sampler, [-.infinity, -.infinity, -.infinity])
    }
    #expect(throws: SamplingError.wrongLogitCount(found: 2, vocabularySize: 3)) {
      try choose(&sampler, [0, 0])
    }
  }

  @Test func `ids outside the vocabulary are refused`() throws {
    let error = SamplingError.tokenOutOfRange(token: 9, vocabularySize: 3)
    #expect(throws: error) {
      try Sampler(options: options { $0.logitBias = [9: 1] }, vocabularySize: 3)
    }
    #expect(throws: error) {
      try penalized(
        options { $0.repetitionPenalty = 2 }, [1, 1, 1], prompt: [9], generated: [])
    }
    #expect(throws: SamplingError.invalidVocabularySize(0)) {
      try Sampler(options: SamplingOptions(), vocabularySize: 0)
    }
  }

  @Test func `extreme values neither crash nor draw excluded tokens`() throws {
    let big = Float.greatestFiniteMagnitude
    for temperature in [Float.leastNonzeroMagnitude, 1, big] {
      for (topK, topP, minP) in [
        (nil, 1, 0), (2, 1, 0), (nil, 0.5, 0), (nil, 1, 0.5), (.max, .leastNonzeroMagnitude, 0),
        (nil, 1, .leastNonzeroMagnitude), (3, 0.5, 1),
      ] as [(Int?, Float, Float)] {
        let options = options {
          $0.temperature = temperature
          $0.topK = topK
          $0.topP = topP
          $0.minP = minP
        }
        let observed = try counts(options, [-.infinity, -big, big, 0, -.infinity], draws: 20)
        #expect(observed[0] == 0 && observed[4] == 0)
      }
    }
  }

  @Test func `a vocabulary of 152,000 is sampled in milliseconds`() throws {
    var random = RandomNumbers(seed: 5)
    let logits = (0..<152_000).map { _ in
      Float((0..<6).reduce(0.0) { sum, _ in sum + random.nextUnit() } - 3) * 5
    }
    let cases: [(String, SamplingOptions)] = [
      ("greedy", options { $0.temperature = 0 }), ("plain", options { $0.temperature = 0.8 }),
      ("top-k 50", options { $0.topK = 50 }), ("top-p 0.9", options { $0.topP = 0.9 }),
      ("min-p 0.05", options { $0.minP = 0.05 }),
    ]
    for (name, options) in cases {
      var sampler = try Sampler(options: options, vocabularySize: logits.count)
      var times: [Duration] = []
      for _ in 0..<11 {
        var copy = logits
        times.append(
          try ContinuousClock().measure {
            _ = try copy.withUnsafeMutableBufferPointer {
              try sampler.sample($0, history: TokenHistory())
            }
          })
      }
      let median = times.sorted()[5]
      print("sample \(name): \(median)")
      #expect(median < .milliseconds(100), "\(name)")
    }
  }
}
