/// Writes values as Python's `str` and `repr` do.
struct PythonPrinter {
  private let context: RenderContext
  private var result = ""

  private init(_ context: RenderContext) { self.context = context }

  /// Returns `str(value)`, which is what printing a value writes.
  static func text(of value: RuntimeValue, _ context: RenderContext) throws -> String {
    switch value {
    case .string(let text): text
    case .undefined: ""
    default: try representation(of: value, context)
    }
  }

  /// Returns `repr(value)`.
  static func representation(
    of value: RuntimeValue, _ context: RenderContext
  ) throws -> String {
    var printer = PythonPrinter(context)
    try printer.write(value, depth: 0)
    try context.create(bytes: printer.result.utf8.count)
    return printer.result
  }

  private mutating func append(_ text: String) throws {
    let total = result.utf8.count + text.utf8.count
    guard total <= context.limits.outputBytes else {
      throw context.failure(
        .limitExceeded,
        "the template makes a text longer than \(context.limits.outputBytes) bytes")
    }
    result += text
  }

  private mutating func write(_ value: RuntimeValue, depth: Int) throws {
    try context.spend()
    // Namespaces may hold themselves.
    guard depth <= context.limits.nestingDepth + 2 else {
      throw context.failure(.limitExceeded, "a printed value is nested too deep")
    }
    switch value {
    case .undefined: try append("Undefined")
    case .none: try append("None")
    case .bool(let value): try append(value ? "True" : "False")
    case .int(let value): try append(String(value))
    case .double(let value): try append(PythonNumbers.representation(of: value))
    case .string(let text): try writeQuoted(text)
    case .list(let list): try write(list.elements, "[", "]", depth: depth)
    case .tuple(let list):
      try write(list.elements, "(", list.elements.count == 1 ? ",)" : ")", depth: depth)
    case .range(let range): try write(range)
    case .dictionary(let dictionary): try write(dictionary, depth: depth)
    case .view(let view):
      try append(view.kind.rawValue + "(")
      let elements = try context.elements(of: value)
      try write(elements, "[", "]", depth: depth)
      try append(")")
    case .namespace(let index): try writeNamespace(context.namespaces[index], depth: depth)
    case .loop(let loop): try append("<LoopContext \(loop.index0 + 1)/\(loop.items.count)>")
    case .macro(let index): try append("<Macro '\(context.macroNames[index])'>")
    case .iterator, .function, .method: try append("<\(value.typeName)>")
    }
  }

  private mutating func write(_ range: RuntimeRange) throws {
    try append("range(\(range.start), \(range.stop)" + (range.step == 1 ? ")" : ", \(range.step))"))
  }

  private mutating func write(
    _ elements: [RuntimeValue], _ begin: String, _ end: String, depth: Int
  ) throws {
    try append(begin)
    for (index, element) in elements.enumerated() {
      if index > 0 { try append(", ") }
      try write(element, depth: depth + 1)
    }
    try append(end)
  }

  private mutating func write(_ dictionary: RuntimeDictionary, depth: Int) throws {
    try append("{")
    for (index, key) in dictionary.keys.enumerated() {
      if index > 0 { try append(", ") }
      try write(key, depth: depth + 1)
      try append(": ")
      try write(dictionary.value(of: key), depth: depth + 1)
    }
    try append("}")
  }

  private mutating func writeNamespace(_ namespace: RuntimeNamespace, depth: Int) throws {
    try append("<Namespace {")
    for (index, name) in namespace.names.enumerated() {
      if index > 0 { try append(", ") }
      try writeQuoted(name)
      try append(": ")
      try write(namespace[name] ?? .none, depth: depth + 1)
    }
    try append("}>")
  }

  private mutating func writeQuoted(_ text: String) throws {
    try context.scan(text.utf8.count)
    let scalars = text.unicodeScalars
    let quote: Unicode.Scalar = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
    var quoted = String.UnicodeScalarView([quote])
    for scalar in scalars {
      switch scalar {
      case quote, "\\":
        quoted.append("\\")
        quoted.append(scalar)
      case "\n": quoted.append(contentsOf: "\\n".unicodeScalars)
      case "\r": quoted.append(contentsOf: "\\r".unicodeScalars)
      case "\t": quoted.append(contentsOf: "\\t".unicodeScalars)
      case " "..."~": quoted.append(scalar)
      default:
        if isPrintable(scalar) {
          quoted.append(scalar)
        } else {
          quoted.append(contentsOf: escaped(scalar).unicodeScalars)
        }
      }
    }
    quoted.append(quote)
    try append(String(quoted))
  }

  private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator, .spaceSeparator:
      false
    default: true
    }
  }

  private func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar.value {
    case ..<0x100: "\\x" + hexadecimal(scalar.value, width: 2)
    case ..<0x10000: "\\u" + hexadecimal(scalar.value, width: 4)
    default: "\\U" + hexadecimal(scalar.value, width: 8)
    }
  }
}

/// Returns the number in lower-case hexadecimal with zeros before it.
func hexadecimal(_ number: UInt32, width: Int) -> String {
  let digits = String(number, radix: 16)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
