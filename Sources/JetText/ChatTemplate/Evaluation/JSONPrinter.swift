/// Writes values as Python's `json.dumps` does.
struct JSONPrinter {
  /// The options of `tojson`, with the defaults of Hugging Face.
  struct Options {
    var isASCIIOnly = false
    /// The text of one level; `nil` writes everything on one line.
    var indent: String?
    var itemSeparator = ", "
    var keySeparator = ": "
    var sortsKeys = false
  }

  private let context: RenderContext
  private let options: Options
  private var result = ""

  private init(_ context: RenderContext, _ options: Options) {
    self.context = context
    self.options = options
  }

  static func text(
    of value: RuntimeValue, _ options: Options, _ context: RenderContext
  ) throws -> RuntimeValue {
    var printer = JSONPrinter(context, options)
    try printer.write(value, level: 0)
    return try context.string(printer.result)
  }

  private mutating func append(_ text: String) throws {
    let total = result.utf8.count + text.utf8.count
    guard total <= context.limits.outputBytes else {
      throw context.failure(
        .limitExceeded, "the JSON of a value is longer than \(context.limits.outputBytes) bytes")
    }
    result += text
  }

  private mutating func write(_ value: RuntimeValue, level: Int) throws {
    try context.spend()
    switch value {
    case .none: try append("null")
    case .bool(let value): try append(value ? "true" : "false")
    case .int(let value): try append(String(value))
    case .double(let value): try append(number(value))
    case .string(let text): try writeQuoted(text)
    case .list(let list), .tuple(let list): try write(list.elements, level: level)
    case .dictionary(let dictionary): try write(dictionary, level: level)
    default:
      throw context.invalid("a value of type '\(value.typeName)' cannot be written as JSON")
    }
  }

  private func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return PythonNumbers.representation(of: value)
  }

  private mutating func breakLine(level: Int) throws {
    guard let indent = options.indent else { return }
    let (size, isOver) = indent.utf8.count.multipliedReportingOverflow(by: level)
    guard !isOver, size <= context.limits.outputBytes else {
      throw context.failure(
        .limitExceeded,
        "the indentation of JSON is longer than \(context.limits.outputBytes) bytes")
    }
    try context.scan(size)
    try append("\n" + String(repeating: indent, count: level))
  }

  private mutating func write(_ elements: [RuntimeValue], level: Int) throws {
    guard !elements.isEmpty else { return try append("[]") }
    try append("[")
    for (index, element) in elements.enumerated() {
      if index > 0 { try append(options.itemSeparator) }
      try breakLine(level: level + 1)
      try write(element, level: level + 1)
    }
    try breakLine(level: level)
    try append("]")
  }

  private mutating func write(_ dictionary: RuntimeDictionary, level: Int) throws {
    var keys = dictionary.keys
    if options.sortsKeys {
      let comparison = RuntimeComparison(context: context)
      try keys.sort { try comparison.isLess($0, $1) }
    }
    guard !keys.isEmpty else { return try append("{}") }
    try append("{")
    for (index, key) in keys.enumerated() {
      if index > 0 { try append(options.itemSeparator) }
      try breakLine(level: level + 1)
      try writeKey(key)
      try append(options.keySeparator)
      try write(dictionary.value(of: key), level: level + 1)
    }
    try breakLine(level: level)
    try append("}")
  }

  private mutating func writeKey(_ key: RuntimeValue) throws {
    switch key {
    case .string(let text): try writeQuoted(text)
    case .none: try append("\"null\"")
    case .bool(let value): try append(value ? "\"true\"" : "\"false\"")
    case .int(let value): try append("\"\(value)\"")
    case .double(let value): try append("\"\(number(value))\"")
    default:
      throw context.invalid("a key of type '\(key.typeName)' cannot be written as JSON")
    }
  }

  private mutating func writeQuoted(_ text: String) throws {
    try context.scan(text.utf8.count)
    var quoted = String.UnicodeScalarView(["\""])
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\":
        quoted.append("\\")
        quoted.append(scalar)
      case "\n": quoted.append(contentsOf: "\\n".unicodeScalars)
      case "\r": quoted.append(contentsOf: "\\r".unicodeScalars)
      case "\t": quoted.append(contentsOf: "\\t".unicodeScalars)
      case "\u{08}": quoted.append(contentsOf: "\\b".unicodeScalars)
      case "\u{0C}": quoted.append(contentsOf: "\\f".unicodeScalars)
      case " "..."~": quoted.append(scalar)
      default:
        if scalar.value >= 0x20, !options.isASCIIOnly {
          quoted.append(scalar)
        } else {
          for unit in String(scalar).utf16 {
            quoted.append(contentsOf: ("\\u" + hexadecimal(UInt32(unit), width: 4)).unicodeScalars)
          }
        }
      }
    }
    quoted.append("\"")
    try append(String(quoted))
  }
}
