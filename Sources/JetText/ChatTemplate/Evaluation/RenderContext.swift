/// One render's budget, its place in the source, and what its values share.
final class RenderContext {
  let limits: TemplateLimits
  let clock: TemplateClock
  /// The line that is being evaluated.
  var line = 1
  /// The attributes of the namespaces by their position.
  var namespaces: [RuntimeNamespace] = []
  /// The names of the macros by their position.
  var macroNames: [String] = []
  private var steps = 0
  private var createdBytes = 0
  private var depth = 0

  /// What an element of a list counts in ``TemplateLimits/createdBytes``.
  static let elementBytes = MemoryLayout<RuntimeValue>.stride

  init(limits: TemplateLimits, clock: TemplateClock) {
    self.limits = limits
    self.clock = clock
  }

  // MARK: - Failures

  func failure(_ kind: ChatTemplateError.Kind, _ reason: String) -> ChatTemplateError {
    ChatTemplateError(kind, line: line, reason)
  }

  func invalid(_ reason: String) -> ChatTemplateError { failure(.invalidOperation, reason) }

  func undefined(_ reason: UndefinedReason) -> ChatTemplateError {
    failure(.undefinedValue, reason.message)
  }

  // MARK: - Limits

  func spend(_ count: Int = 1) throws {
    steps += count
    guard steps <= limits.steps else {
      throw failure(.limitExceeded, "the template needs more than \(limits.steps) steps")
    }
  }

  /// Counts going through `bytes` of text.
  func scan(_ bytes: Int) throws { try spend(bytes / 32) }

  /// Counts bytes about to be created, before they are.
  func create(bytes: Int) throws {
    createdBytes += bytes
    guard createdBytes <= limits.createdBytes else {
      throw failure(
        .limitExceeded, "the template creates more than \(limits.createdBytes) bytes of values")
    }
  }

  /// Counts a string about to be created.
  func create(stringBytes: Int) throws {
    guard stringBytes <= limits.outputBytes else {
      throw failure(
        .limitExceeded, "the template makes a text longer than \(limits.outputBytes) bytes")
    }
    try create(bytes: stringBytes + 16)
    try scan(stringBytes)
  }

  /// Runs a part of the evaluation one level deeper.
  func nested<Result>(_ body: () throws -> Result) throws -> Result {
    try spend()
    guard depth < limits.evaluationDepth else {
      throw failure(
        .limitExceeded, "evaluation is nested deeper than \(limits.evaluationDepth)")
    }
    depth += 1
    defer { depth -= 1 }
    return try body()
  }

  // MARK: - Values

  func string(_ text: String) throws -> RuntimeValue {
    try create(stringBytes: text.utf8.count)
    return .string(text)
  }

  private func depth(over elements: [RuntimeValue]) throws -> Int {
    try create(bytes: (elements.count + 2) * Self.elementBytes)
    try spend(elements.count / 8)
    return try checked(1 + (elements.lazy.map(\.depth).max() ?? 0))
  }

  private func checked(_ depth: Int) throws -> Int {
    guard depth <= limits.nestingDepth else {
      throw failure(.limitExceeded, "values are nested deeper than \(limits.nestingDepth)")
    }
    return depth
  }

  func list(_ elements: [RuntimeValue]) throws -> RuntimeValue {
    .list(RuntimeList(elements, depth: try depth(over: elements)))
  }

  func tuple(_ elements: [RuntimeValue]) throws -> RuntimeValue {
    .tuple(RuntimeList(elements, depth: try depth(over: elements)))
  }

  func iterator(_ elements: [RuntimeValue]) throws -> RuntimeValue {
    .iterator(RuntimeIterator(elements, depth: try depth(over: elements)))
  }

  func loop(_ items: [RuntimeValue]) throws -> LoopState {
    LoopState(items, depth: try depth(over: items))
  }

  func dictionary(_ builder: RuntimeDictionaryBuilder) throws -> RuntimeValue {
    try create(bytes: (builder.keys.count * 5 + 4) * Self.elementBytes)
    try spend(builder.keys.count / 4)
    _ = try checked(builder.depth)
    return .dictionary(RuntimeDictionary(builder))
  }

  func key(_ value: RuntimeValue) throws -> RuntimeKey {
    try spend()
    if case .tuple(let list) = value { try spend(countedElements(list)) }
    if case .string(let text) = value { try scan(text.utf8.count) }
    guard let key = RuntimeKey(value) else {
      throw invalid("a value of type '\(value.typeName)' cannot be a key")
    }
    return key
  }

  /// The value of a key, of which an undefined one is in no dictionary.
  func entry(_ value: RuntimeValue, of dictionary: RuntimeDictionary) throws -> RuntimeValue? {
    value.isUndefined ? nil : dictionary[try key(value)]
  }

  /// Counts the elements of nested tuples, which may be shared and so far more than were created.
  private func countedElements(_ list: RuntimeList) throws -> Int {
    try spend(list.elements.count)
    for case .tuple(let inner) in list.elements { _ = try countedElements(inner) }
    return 0
  }

  /// Turns a value from outside into one of the render.
  func value(_ value: TemplateValue, depth: Int = 0) throws -> RuntimeValue {
    _ = try checked(depth)
    switch value {
    case .none: return .none
    case .bool(let value): return .bool(value)
    case .int(let value): return .int(value)
    case .double(let value): return .double(value)
    case .string(let value): return .string(value)
    case .list(let elements):
      return try list(try elements.map { try self.value($0, depth: depth + 1) })
    case .dictionary(let entries):
      var builder = RuntimeDictionaryBuilder()
      for (key, value) in entries {
        builder.set(key, to: try self.value(value, depth: depth + 1))
      }
      return try dictionary(builder)
    }
  }

  /// Returns what a loop over the value goes through.
  func elements(of value: RuntimeValue) throws -> [RuntimeValue] {
    switch value {
    case .list(let list), .tuple(let list): return list.elements
    case .undefined: return []
    case .dictionary(let dictionary): return dictionary.keys
    case .iterator(let iterator): return iterator.takeAll()
    case .range(let range):
      try create(bytes: range.count * Self.elementBytes)
      try spend(range.count / 8)
      return (0..<range.count).map { .int(range.number(at: $0)) }
    case .string(let text):
      try create(bytes: text.utf8.count * Self.elementBytes)
      try spend(text.utf8.count)
      return text.unicodeScalars.map { .string(String($0)) }
    case .view(let view):
      let dictionary = view.dictionary
      try spend(dictionary.keys.count)
      switch view.kind {
      case .keys: return dictionary.keys
      case .values: return dictionary.keys.map { dictionary.value(of: $0) }
      case .items: return try dictionary.keys.map { try tuple([$0, dictionary.value(of: $0)]) }
      }
    default: throw invalid("a value of type '\(value.typeName)' cannot be gone through")
    }
  }

  /// Python's `len`; `nil` where there is none.
  func length(of value: RuntimeValue) throws -> Int? {
    switch value {
    case .undefined: return 0
    case .string(let text):
      try scan(text.utf8.count)
      return text.unicodeScalars.count
    case .list(let list), .tuple(let list): return list.elements.count
    case .range(let range): return range.count
    case .dictionary(let dictionary): return dictionary.keys.count
    case .view(let view): return view.dictionary.keys.count
    case .loop(let loop): return loop.items.count
    default: return nil
    }
  }
}

/// What `namespace()` makes: the one thing that templates can change.
struct RuntimeNamespace {
  private(set) var names: [String] = []
  private var values: [String: RuntimeValue] = [:]

  subscript(name: String) -> RuntimeValue? { values[name] }

  mutating func set(_ name: String, to value: RuntimeValue) {
    if values.updateValue(value, forKey: name) == nil { names.append(name) }
  }
}

/// The names of a block and, through its parent, of those around it.
final class TemplateScope {
  private var values: [String: RuntimeValue] = [:]
  private let parent: TemplateScope?

  init(parent: TemplateScope?) { self.parent = parent }

  func lookup(_ name: String) -> RuntimeValue? {
    var scope: TemplateScope? = self
    while let current = scope {
      if let value = current.values[name] { return value }
      scope = current.parent
    }
    return nil
  }

  func set(_ name: String, to value: RuntimeValue) { values[name] = value }
}
