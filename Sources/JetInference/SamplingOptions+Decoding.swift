extension SamplingOptions {
  private enum CodingKeys: String, CodingKey, CaseIterable {
    case temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty
    case penaltyWindow, logitBias, seed
  }

  private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) {
      self.stringValue = stringValue
    }

    init?(intValue: Int) {
      return nil
    }
  }

  /// Reads the options and validates them; a missing key takes its default.
  ///
  /// - Throws: `DecodingError` for a wrong type or an unknown key; ``SamplingError`` for a value out
  ///   of range.
  public init(from decoder: any Decoder) throws {
    let known = Set(CodingKeys.allCases.map(\.rawValue))
    let keys = try decoder.container(keyedBy: AnyKey.self).allKeys
    if let unknown = keys.first(where: { !known.contains($0.stringValue) }) {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: decoder.codingPath,
          debugDescription: "The sampling options have the unknown key \"\(unknown.stringValue)\"; "
            + "expected one of \(known.sorted().joined(separator: ", "))."))
    }
    self.init()
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func read<Value: Decodable>(_ key: CodingKeys, into target: inout Value) throws {
      target = try values.decodeIfPresent(Value.self, forKey: key) ?? target
    }
    try read(.temperature, into: &temperature)
    topK = try values.decodeIfPresent(Int.self, forKey: .topK)
    try read(.topP, into: &topP)
    try read(.minP, into: &minP)
    try read(.repetitionPenalty, into: &repetitionPenalty)
    try read(.presencePenalty, into: &presencePenalty)
    try read(.frequencyPenalty, into: &frequencyPenalty)
    penaltyWindow = try values.decodeIfPresent(Int.self, forKey: .penaltyWindow)
    try read(.logitBias, into: &logitBias)
    try read(.seed, into: &seed)
    try validate()
  }
}
