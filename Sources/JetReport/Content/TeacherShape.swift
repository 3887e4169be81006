/// The sizes of the model that was converted.
public struct TeacherShape: Codable, Hashable, Sendable {
  /// Layers.
  public var layerCount: Int?
  /// Numbers a token has between layers.
  public var width: Int?
  /// Heads of queries in a layer.
  public var headCount: Int?
  /// Heads of keys and values in a layer.
  public var keyValueHeadCount: Int?
  /// Numbers in a key of one head.
  public var headWidth: Int?
  /// Numbers between the two halves of a feed-forward layer.
  public var feedForwardWidth: Int?
  /// Entries of the vocabulary.
  public var vocabularyCount: Int?
  /// Parameters, tied ones once.
  public var parameterCount: Int?
  /// Tokens that it was trained to see at once.
  public var contextTokens: Int?

  /// All values; what is not known yet is left out.
  public init(
    layerCount: Int? = nil, width: Int? = nil, headCount: Int? = nil, keyValueHeadCount: Int? = nil,
    headWidth: Int? = nil, feedForwardWidth: Int? = nil, vocabularyCount: Int? = nil,
    parameterCount: Int? = nil, contextTokens: Int? = nil
  ) {
    self.layerCount = layerCount
    self.width = width
    self.headCount = headCount
    self.keyValueHeadCount = keyValueHeadCount
    self.headWidth = headWidth
    self.feedForwardWidth = feedForwardWidth
    self.vocabularyCount = vocabularyCount
    self.parameterCount = parameterCount
    self.contextTokens = contextTokens
  }
}
