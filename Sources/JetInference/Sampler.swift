import Foundation

/// Chooses tokens from logits, the same ones for the same seed.
///
/// Copying a sampler copies its place in the random numbers.
public struct Sampler: Sendable {
  /// What the sampler was made with.
  public let options: SamplingOptions
  /// How many logits ``sample(_:history:)`` expects.
  public let vocabularySize: Int
  private var random: RandomNumbers
  private var candidates: [Candidate] = []

  /// Creates a sampler at the start of the seed's random numbers.
  ///
  /// - Throws: ``SamplingError`` when an option or a biased token is out of range.
  public init(options: SamplingOptions, vocabularySize: Int) throws(SamplingError) {
    try options.validate()
    guard vocabularySize > 0 else { throw .invalidVocabularySize(vocabularySize) }
    for token in options.logitBias.keys.sorted() where token >= vocabularySize {
      throw .tokenOutOfRange(token: token, vocabularySize: vocabularySize)
    }
    self.options = options
    self.vocabularySize = vocabularySize
    random = RandomNumbers(seed: options.seed)
  }

  /// Chooses the next token.
  ///
  /// The logarithm is that of `softmax(logits)` after bias and penalties over the whole vocabulary,
  /// before temperature and the cuts, so that it says something of a greedy choice too. A greedy
  /// choice uses no random number, any other uses one.
  ///
  /// - Parameters:
  ///   - logits: one for each token; bias and penalties are added in place. -inf excludes a token.
  ///   - history: what the penalties look at.
  /// - Returns: the token and the natural logarithm of its probability.
  /// - Throws: ``SamplingError`` when a logit is NaN or +inf, all are -inf, their number is wrong,
  ///   or a penalized token is not in the vocabulary.
  /// - Complexity: O(V) for V logits; top-k O(V log k); top-p also sorts the candidates whose
  ///   logits are not below those of the kept ones by more than a quarter of the temperature.
  public mutating func sample(
    _ logits: UnsafeMutableBufferPointer<Float>, history: TokenHistory
  ) throws(SamplingError) -> (token: Int, logProbability: Float) {
    guard logits.count == vocabularySize else {
      throw .wrongLogitCount(found: logits.count, vocabularySize: vocabularySize)
    }
    for (token, bias) in options.logitBias {
      logits[token] += bias
    }
    try options.applyPenalties(to: logits, history: history)
    let peak = try Peak(of: UnsafeBufferPointer(logits))
    let token = options.temperature == 0 ? peak.token : draw(UnsafeBufferPointer(logits), peak)
    return (token, Float(peak.logProbability(of: logits[token])))
  }

  private mutating func draw(_ logits: UnsafeBufferPointer<Float>, _ peak: Peak) -> Int {
    let scale = TemperatureScale(maximum: peak.logit, temperature: options.temperature)
    let unit = random.nextUnit()
    if let topK = options.topK, topK < logits.count {
      candidates.selectHighest(topK, of: logits)
      candidates.sort(by: Candidate.ranksBefore)
      let total = candidates.reduce(0) { $0 + scale.weight(of: $1.logit) }
      candidates.keepNucleus(options.topP, of: total, scale: scale)
    } else if options.topP < 1 {
      let total = candidates.selectNucleus(options.topP, of: logits, scale: scale)
      candidates.sort(by: Candidate.ranksBefore)
      candidates.keepNucleus(options.topP, of: total, scale: scale)
    } else if options.minP > 0 {
      candidates.selectAtLeast(options.minP, of: logits, scale: scale)
    } else {
      return drawFromAll(logits, peak, scale, unit)
    }
    candidates.keepAtLeast(options.minP, scale: scale)
    let total = candidates.reduce(0) { $0 + scale.weight(of: $1.logit) }
    var remaining = unit * total
    var chosen = peak.token
    for candidate in candidates {
      let weight = scale.weight(of: candidate.logit)
      guard weight > 0 else { continue }
      chosen = Int(candidate.token)
      remaining -= weight
      if remaining < 0 { break }
    }
    return chosen
  }

  private func drawFromAll(
    _ logits: UnsafeBufferPointer<Float>, _ peak: Peak, _ scale: TemperatureScale, _ unit: Double
  ) -> Int {
    var total = 0.0
    for logit in logits {
      total += scale.weight(of: logit)
    }
    var remaining = unit * total
    var chosen = peak.token
    for token in logits.indices {
      let weight = scale.weight(of: logits[token])
      guard weight > 0 else { continue }
      chosen = token
      remaining -= weight
      if remaining < 0 { break }
    }
    return chosen
  }
}

/// The highest logit and the sum of the exponentials, found in one pass.
struct Peak {
  private(set) var token = 0
  private(set) var logit = -Float.infinity
  private var sum = 0.0

  init(of logits: UnsafeBufferPointer<Float>) throws(SamplingError) {
    for index in logits.indices {
      let value = logits[index]
      if value <= logit {
        if value > -.infinity { sum += Double(exp(value - logit)) }
      } else {
        guard value < .infinity else {
          throw .invalidLogit(token: index, value: value.description)
        }
        sum = sum * Double(exp(logit - value)) + 1
        logit = value
        token = index
      }
    }
    guard logit > -.infinity else { throw .everyTokenExcluded(vocabularySize: logits.count) }
  }

  func logProbability(of value: Float) -> Double {
    Double(value) - Double(logit) - log(sum)
  }
}

/// The unnormalized probability at a temperature, 1 for the highest logit.
struct TemperatureScale {
  private let maximum: Double
  private let inverse: Double

  init(maximum: Float, temperature: Float) {
    self.maximum = Double(maximum)
    inverse = 1 / Double(temperature)
  }

  /// How far below the highest logit, in units of the temperature; 0 or more.
  func distance(of logit: Float) -> Double {
    (maximum - Double(logit)) * inverse
  }

  func weight(of logit: Float) -> Double {
    Double(exp(Float(-distance(of: logit))))
  }
}
