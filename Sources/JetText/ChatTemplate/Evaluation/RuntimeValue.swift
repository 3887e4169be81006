/// A value while a template runs: Python's kinds as far as templates meet them.
///
/// Everything but a namespace, an iterator and a loop is immutable, as in the immutable sandbox.
/// Namespaces and macros are positions in tables of the render, so no cycle of references can form.
enum RuntimeValue {
  case undefined(UndefinedReason)
  case none
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case list(RuntimeList)
  case tuple(RuntimeList)
  case range(RuntimeRange)
  case dictionary(RuntimeDictionary)
  case view(RuntimeView)
  case iterator(RuntimeIterator)
  case namespace(Int)
  case macro(Int)
  case function(GlobalFunction)
  case method(BoundMethod)
  case loop(LoopState)

  /// The nesting of containers, which bounds every recursion over values.
  var depth: Int {
    switch self {
    case .list(let list), .tuple(let list): list.depth
    case .dictionary(let dictionary): dictionary.depth
    case .view(let view): view.dictionary.depth + 1
    case .iterator(let iterator): iterator.depth
    case .method(let method): method.receiver.depth + 1
    case .loop(let loop): loop.depth
    default: 0
    }
  }

  /// The kind's name in Python, for messages.
  var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .int: "int"
    case .double: "float"
    case .string: "str"
    case .list: "list"
    case .tuple: "tuple"
    case .range: "range"
    case .dictionary: "dict"
    case .view(let view): view.kind.rawValue
    case .iterator: "generator"
    case .namespace: "Namespace"
    case .macro: "Macro"
    case .function: "function"
    case .method: "method"
    case .loop: "LoopContext"
    }
  }

  /// Python's truth of a value.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .int(let value): value != 0
    case .double(let value): value != 0
    case .string(let value): !value.isEmpty
    case .list(let list), .tuple(let list): !list.elements.isEmpty
    case .range(let range): range.count > 0
    case .dictionary(let dictionary): !dictionary.keys.isEmpty
    case .view(let view): !view.dictionary.keys.isEmpty
    case .iterator, .namespace, .macro, .function, .method, .loop: true
    }
  }

  /// The whole number that Python would use the value as in arithmetic and subscripts.
  var asInteger: Int? {
    switch self {
    case .int(let value): value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }

  /// The floating-point number that Python would use the value as in arithmetic.
  var asDouble: Double? {
    if case .double(let value) = self { return value }
    return asInteger.map(Double.init)
  }

  var isUndefined: Bool {
    if case .undefined = self { true } else { false }
  }
}

/// Why a value is undefined; it becomes words only where it is misused.
enum UndefinedReason {
  case name(String)
  case attribute(String, ofType: String)
  case element(String, ofType: String)
  case refused(String, ofType: String)
  case hint(String)

  var message: String {
    switch self {
    case .name(let name): "'\(excerpt(name))' is undefined"
    case .attribute(let name, let type): "'\(type)' has no attribute '\(excerpt(name))'"
    case .element(let key, let type): "\(type) has no element \(excerpt(key))"
    case .refused(let name, let type):
      "'\(name)' of '\(type)' would change it, which the sandbox of chat templates refuses"
    case .hint(let hint): hint
    }
  }
}

/// The functions that every template can call.
enum GlobalFunction: String, CaseIterable {
  case range
  case namespace
  case dict
  case raiseException = "raise_exception"
  case strftimeNow = "strftime_now"
}
