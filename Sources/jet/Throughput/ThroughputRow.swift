/// What was measured of a model at one context with one batch.
struct ThroughputRow: Codable {
  let model: String
  let context: Int
  let batch: Int
  /// Whether no larger batch fits, or was allowed.
  let isLargest: Bool
  let stateBytes: Int
  /// Tokens chosen in a second by all sequences together, the choosing included.
  let decodeTokensPerSecond: Spread
  /// Bytes that a step has to move.
  let stepBytes: Int
  /// Of the rate at which the device copies.
  let decodeShare: Double
  /// Prompt tokens read in a second; nil where it was not asked for.
  let prefillTokensPerSecond: Double?
  /// Of the rate at which the device multiplies.
  let prefillShare: Double?

  private enum CodingKeys: String, CodingKey {
    case model, context, batch
    case isLargest = "is_largest"
    case stateBytes = "state_bytes"
    case decodeTokensPerSecond = "decode_tokens_per_second"
    case stepBytes = "step_bytes"
    case decodeShare = "decode_share"
    case prefillTokensPerSecond = "prefill_tokens_per_second"
    case prefillShare = "prefill_share"
  }
}
