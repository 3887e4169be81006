/// A dictionary with string keys that keeps the order of insertion, as Python's and JSON's do.
///
/// Two dictionaries are equal when they hold the same entries in any order.
public struct TemplateDictionary: Sendable {
  /// The keys in order of insertion.
  public private(set) var keys: [String] = []
  private var values: [ExactString: TemplateValue] = [:]

  /// Creates an empty dictionary.
  public init() {}

  /// Creates a dictionary; of equal keys the last value stays, at the first place.
  public init(_ entries: some Sequence<(String, TemplateValue)>) {
    for (key, value) in entries { self[key] = value }
  }

  /// The number of entries.
  public var count: Int { keys.count }

  /// The value of a key; setting `nil` removes the entry.
  ///
  /// - Complexity: O(1) on average; removal O(*n*).
  public subscript(key: String) -> TemplateValue? {
    get { values[ExactString(key)] }
    set {
      let exact = ExactString(key)
      if let newValue {
        if values.updateValue(newValue, forKey: exact) == nil { keys.append(key) }
      } else if values.removeValue(forKey: exact) != nil {
        keys.removeAll { areExactlyEqual($0, key) }
      }
    }
  }
}

extension TemplateDictionary: Sequence {
  /// Iterates over the entries in order of insertion.
  public func makeIterator() -> AnyIterator<(key: String, value: TemplateValue)> {
    var remaining = keys.makeIterator()
    return AnyIterator {
      while let key = remaining.next() {
        if let value = values[ExactString(key)] { return (key, value) }
      }
      return nil
    }
  }
}

extension TemplateDictionary: Hashable {
  /// Returns whether both hold the same entries, in any order.
  public static func == (left: Self, right: Self) -> Bool { left.values == right.values }

  /// Hashes the entries without their order.
  public func hash(into hasher: inout Hasher) { hasher.combine(values) }
}

extension TemplateDictionary: ExpressibleByDictionaryLiteral {
  /// Creates a dictionary from a literal, in its order.
  public init(dictionaryLiteral elements: (String, TemplateValue)...) { self.init(elements) }
}
