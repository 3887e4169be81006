/// What training does with the parameters of some names.
public struct ParameterRule: Codable, Hashable, Sendable {
  /// Names in the checkpoint; `*` stands for any characters, as in `model.layers.*.self_attn.*`.
  public var names: String
  /// Whether they are trained.
  public var trains: Bool
  /// Whether weights of two or more dimensions decay; norms, rates and biases never do.
  public var decays: Bool
  /// Multiplies the learning rate.
  public var rateFactor: Double

  /// A rule with all its values.
  public init(_ names: String, trains: Bool, decays: Bool = true, rateFactor: Double = 1) {
    self.names = names
    self.trains = trains
    self.decays = decays
    self.rateFactor = rateFactor
  }

  /// Only the mixers are trained: MLPs, norms, embedding and head stay the teacher's.
  public static let mixersOnly = [ParameterRule("model.layers.*.self_attn.*", trains: true)]
  /// Everything is trained.
  public static let everything = [ParameterRule("*", trains: true)]

  /// Whether the rule is about `name`.
  func matches(_ name: String) -> Bool {
    let parts = names.split(separator: "*", omittingEmptySubsequences: false)
    guard let first = parts.first, let last = parts.last else { return name.isEmpty }
    if parts.count == 1 { return name == names }
    guard name.hasPrefix(first), name.dropFirst(first.count).hasSuffix(last) else { return false }
    var rest = name.dropFirst(first.count).dropLast(last.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let found = rest.firstRange(of: part) else { return false }
      rest = rest[found.upperBound...]
    }
    return true
  }
}

extension Substring {
  fileprivate func firstRange(of part: Substring) -> Range<Index>? {
    var start = startIndex
    while let end = index(start, offsetBy: part.count, limitedBy: endIndex) {
      if self[start..<end] == part { return start..<end }
      start = index(after: start)
    }
    return nil
  }
}
