/// How the next token is chosen from the logits.
///
/// The steps, in order: bias, penalties (repetition, then presence and frequency), temperature,
/// top-k, top-p, min-p, draw. The defaults draw from the model's own distribution.
///
/// Decoding refuses unknown keys and values that ``validate()`` refuses; a missing key takes its
/// default.
public struct SamplingOptions: Codable, Hashable, Sendable {
  /// Divides the logits; 0 takes the most likely token.
  public var temperature: Float = 1
  /// Keeps this many of the most likely tokens, equal ones by lowest id; `nil` keeps all.
  public var topK: Int?
  /// Keeps the fewest most likely tokens whose probabilities reach this sum; 1 keeps all.
  public var topP: Float = 1
  /// Keeps tokens at least this fraction as likely as the most likely one; 0 keeps all.
  public var minP: Float = 0
  /// Divides positive and multiplies negative logits of every token seen, prompt included.
  public var repetitionPenalty: Float = 1
  /// Subtracted once from the logit of every token generated so far.
  public var presencePenalty: Float = 0
  /// Subtracted from the logit of a generated token once for each time that it was generated.
  public var frequencyPenalty: Float = 0
  /// How many of the latest tokens the three penalties look at; `nil` looks at all.
  public var penaltyWindow: Int?
  /// Added to the logits, by token id.
  public var logitBias: [Int: Float] = [:]
  /// Starts the random numbers; the same seed draws the same tokens.
  public var seed: UInt64 = 0

  /// Creates the options that draw from the model's own distribution.
  public init() {}

  /// Refuses values outside their range, the first found.
  ///
  /// - Throws: ``SamplingError/invalidOption(name:value:expected:)``.
  public func validate() throws(SamplingError) {
    try require(
      temperature.isFinite && temperature >= 0, "temperature", temperature,
      "a finite number of 0 or more")
    try require(topK.map { $0 >= 1 } ?? true, "topK", topK ?? 0, "1 or more, or none for all")
    try require(topP > 0 && topP <= 1, "topP", topP, "above 0 and at most 1")
    try require(minP >= 0 && minP <= 1, "minP", minP, "from 0 to 1")
    try require(
      repetitionPenalty.isFinite && repetitionPenalty > 0, "repetitionPenalty", repetitionPenalty,
      "a finite number above 0")
    try require(
      presencePenalty.isFinite, "presencePenalty", presencePenalty, "a finite number")
    try require(
      frequencyPenalty.isFinite, "frequencyPenalty", frequencyPenalty, "a finite number")
    try require(
      penaltyWindow.map { $0 >= 0 } ?? true, "penaltyWindow", penaltyWindow ?? 0,
      "0 or more, or none for all")
    for (token, bias) in logitBias.sorted(by: { $0.key < $1.key }) {
      try require(token >= 0, "logitBias token", token, "an id of 0 or more")
      try require(bias.isFinite, "logitBias of token \(token)", bias, "a finite number")
    }
  }

  private func require(
    _ holds: Bool, _ name: String, _ value: some CustomStringConvertible, _ expected: String
  ) throws(SamplingError) {
    guard holds else {
      throw .invalidOption(name: name, value: value.description, expected: expected)
    }
  }
}
