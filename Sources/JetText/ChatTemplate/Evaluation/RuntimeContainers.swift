/// The elements of a list or tuple; shared, never changed.
final class RuntimeList {
  let elements: [RuntimeValue]
  let depth: Int

  init(_ elements: [RuntimeValue], depth: Int) {
    self.elements = elements
    self.depth = depth
  }
}

/// Python's `range`, of which only the numbers that are asked for are made.
struct RuntimeRange {
  let start: Int
  /// The bound that was given, which only printing needs.
  let stop: Int
  let step: Int
  let count: Int

  /// The number at a position below ``count``; it fits because the last one was checked to fit.
  func number(at index: Int) -> Int { start &+ index &* step }
}

/// A key of a dictionary under Python's equality: `1`, `1.0` and `True` are one key.
enum RuntimeKey: Hashable {
  case none
  case integer(Int)
  case double(Double)
  case text(ExactString)
  case tuple([RuntimeKey])

  /// Fails for what Python calls unhashable.
  init?(_ value: RuntimeValue) {
    switch value {
    case .none: self = .none
    case .bool, .int: self = .integer(value.asInteger ?? 0)
    case .double(let number): self = Int(exactly: number).map { .integer($0) } ?? .double(number)
    case .string(let text): self = .text(ExactString(text))
    case .tuple(let list):
      var keys: [RuntimeKey] = []
      for element in list.elements {
        guard let key = RuntimeKey(element) else { return nil }
        keys.append(key)
      }
      self = .tuple(keys)
    default: return nil
    }
  }
}

/// A dictionary in order of insertion; shared, never changed.
final class RuntimeDictionary {
  let keys: [RuntimeValue]
  private let values: [RuntimeKey: RuntimeValue]
  let depth: Int

  init(_ builder: RuntimeDictionaryBuilder) {
    keys = builder.keys
    values = builder.values
    depth = builder.depth
  }

  subscript(key: RuntimeKey) -> RuntimeValue? { values[key] }

  subscript(text: String) -> RuntimeValue? { values[.text(ExactString(text))] }

  /// The value of one of ``keys``.
  func value(of key: RuntimeValue) -> RuntimeValue {
    RuntimeKey(key).flatMap { values[$0] } ?? .none
  }
}

/// Collects the entries of a dictionary; of equal keys the first key and the last value stay.
struct RuntimeDictionaryBuilder {
  private(set) var keys: [RuntimeValue] = []
  private(set) var values: [RuntimeKey: RuntimeValue] = [:]
  private(set) var depth = 1

  mutating func set(_ key: RuntimeKey, original: RuntimeValue, to value: RuntimeValue) {
    if values.updateValue(value, forKey: key) == nil { keys.append(original) }
    depth = max(depth, value.depth + 1, original.depth + 1)
  }

  mutating func set(_ name: String, to value: RuntimeValue) {
    set(.text(ExactString(name)), original: .string(name), to: value)
  }
}

/// What `keys()`, `values()` and `items()` return.
struct RuntimeView {
  enum Kind: String {
    case keys = "dict_keys"
    case values = "dict_values"
    case items = "dict_items"
  }

  let kind: Kind
  let dictionary: RuntimeDictionary
}

/// What filters such as `map` return: elements that can be gone through once.
final class RuntimeIterator {
  private var elements: [RuntimeValue]
  let depth: Int

  init(_ elements: [RuntimeValue], depth: Int) {
    self.elements = elements
    self.depth = depth
  }

  func takeAll() -> [RuntimeValue] {
    defer { elements = [] }
    return elements
  }

  func takeFirst() -> RuntimeValue? { elements.isEmpty ? nil : elements.removeFirst() }
}

/// A method found on a value and not called yet.
final class BoundMethod {
  let receiver: RuntimeValue
  let name: String

  init(_ receiver: RuntimeValue, _ name: String) {
    self.receiver = receiver
    self.name = name
  }
}

/// What a loop tells its body as `loop`.
final class LoopState {
  let items: [RuntimeValue]
  let depth: Int
  /// How many loops are around this one in recursion, which is none.
  var index0 = 0

  init(_ items: [RuntimeValue], depth: Int) {
    self.items = items
    self.depth = depth
  }

  func attribute(_ name: String) -> RuntimeValue? {
    switch name {
    case "index": .int(index0 + 1)
    case "index0": .int(index0)
    case "first": .bool(index0 == 0)
    case "last": .bool(index0 == items.count - 1)
    case "length": .int(items.count)
    case "revindex": .int(items.count - index0)
    case "revindex0": .int(items.count - index0 - 1)
    case "depth": .int(1)
    case "depth0": .int(0)
    case "previtem":
      index0 > 0 ? items[index0 - 1] : .undefined(.hint("there is no previous item"))
    case "nextitem":
      index0 + 1 < items.count ? items[index0 + 1] : .undefined(.hint("there is no next item"))
    case "cycle": .method(BoundMethod(.loop(self), name))
    default: nil
    }
  }
}
