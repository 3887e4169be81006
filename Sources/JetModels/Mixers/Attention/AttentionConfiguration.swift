/// Softmax attention with grouped heads.
public struct AttentionConfiguration: Codable, Hashable, Sendable {
  /// Query heads.
  public var heads: Int
  /// Key and value heads; each serves `heads / keyValueHeads` query heads.
  public var keyValueHeads: Int
  /// Channels of a head.
  public var headWidth: Int
  /// Whether the projections to query, key and value have biases.
  public var hasBias: Bool
  /// Whether each head of query and key is normalized before its rotation.
  public var normalizesQueriesAndKeys: Bool
  /// How many tokens a query sees, itself included; all when nil.
  public var window: Int?

  /// A configuration with all its values.
  public init(
    heads: Int, keyValueHeads: Int, headWidth: Int, hasBias: Bool = false,
    normalizesQueriesAndKeys: Bool = false, window: Int? = nil
  ) {
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headWidth = headWidth
    self.hasBias = hasBias
    self.normalizesQueriesAndKeys = normalizesQueriesAndKeys
    self.window = window
  }

  /// The name in the `layer_types` of a configuration, as in the released code.
  var kind: String { window == nil ? "attn" : "swa" }

  func validate() throws {
    guard (1...65_536).contains(heads), (1...heads).contains(keyValueHeads),
      heads % keyValueHeads == 0
    else {
      throw ModelError(
        "\(heads) heads cannot share \(keyValueHeads) key and value heads; expected a divisor")
    }
    guard (2...65_536).contains(headWidth), headWidth % 2 == 0 else {
      throw ModelError("the head width is \(headWidth); expected an even number from 2")
    }
    try expectCountable(heads * headWidth)
    if let window, !(1...1_073_741_824).contains(window) {
      throw ModelError("the window is \(window); expected at least 1")
    }
  }
}
