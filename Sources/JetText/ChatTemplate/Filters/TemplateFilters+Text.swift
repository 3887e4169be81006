/// Filters that make texts.
extension TemplateFilters {
  func applyToText(
    _ filter: TemplateFilter, _ value: RuntimeValue, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    switch filter {
    case .tojson: return try json(value, arguments)
    case .indent: return try indent(value, arguments)
    case .replace:
      let given = try bound(arguments, ["old", "new", "count"], filter)
      guard let old = given[0], let new = given[1] else {
        throw context.invalid("the filter 'replace' takes an old and a new text")
      }
      return try PythonText(context: context).replace(
        try text(value), try text(old), try text(new), limit: try count(given[2]))
    case .trim:
      let given = try bound(arguments, ["chars"], filter)
      var characters: String?
      if case .string(let text) = given[0] { characters = text }
      return try PythonText(context: context).trim(try text(value), of: characters)
    default:
      _ = try bound(arguments, [], filter)
      return try changed(filter, try text(value))
    }
  }

  private func count(_ value: RuntimeValue?) throws -> Int {
    if case .some(.none) = value { return -1 }
    return try whole(value, .replace) ?? -1
  }

  private func changed(_ filter: TemplateFilter, _ text: String) throws -> RuntimeValue {
    let python = PythonText(context: context)
    switch filter {
    case .capitalize: return try python.changingCase(text, PythonText.capitalized)
    case .lower: return try python.changingCase(text) { $0.lowercased() }
    case .upper: return try python.changingCase(text) { $0.uppercased() }
    case .title: return try python.changingCase(text, PythonText.titledByWords)
    case .escape, .e, .forceescape: return try escaped(text)
    default: return .string(text)
    }
  }

  /// Templates are rendered without escaping, so the result is a plain text and `safe` changes
  /// nothing; Jinja's marked texts would escape what is added to them by `+`.
  private func escaped(_ text: String) throws -> RuntimeValue {
    try context.scan(text.utf8.count)
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result.append(contentsOf: "&amp;".unicodeScalars)
      case "<": result.append(contentsOf: "&lt;".unicodeScalars)
      case ">": result.append(contentsOf: "&gt;".unicodeScalars)
      case "'": result.append(contentsOf: "&#39;".unicodeScalars)
      case "\"": result.append(contentsOf: "&#34;".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return try context.string(String(result))
  }

  private func indent(
    _ value: RuntimeValue, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    let given = try bound(arguments, ["width", "first", "blank"], .indent)
    let indentation = try spaces(given[0] ?? .int(4), .indent)
    if case .undefined(let reason) = value { throw context.undefined(reason) }
    guard case .string(let text) = value else {
      throw context.invalid("the filter 'indent' takes a string, not '\(value.typeName)'")
    }
    let python = PythonText(context: context)
    var lines = try python.lines(text + "\n")
    let isFirstIndented = given[1]?.isTrue ?? false
    let areBlanksIndented = given[2]?.isTrue ?? false
    for index in lines.indices {
      let isIndented =
        index == 0 ? isFirstIndented : areBlanksIndented || !lines[index].isEmpty
      guard isIndented else { continue }
      try context.create(stringBytes: indentation.utf8.count + lines[index].utf8.count)
      lines[index] = indentation + lines[index]
    }
    return try python.join(lines, with: "\n")
  }

  /// The text of an indentation: given as such or as a number of spaces.
  private func spaces(_ width: RuntimeValue, _ filter: TemplateFilter) throws -> String {
    if case .string(let text) = width { return text }
    let count = max(0, try whole(width, filter) ?? 0)
    try context.create(stringBytes: count)
    return String(repeating: " ", count: count)
  }

  private func json(
    _ value: RuntimeValue, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    let given = try bound(
      arguments, ["ensure_ascii", "indent", "separators", "sort_keys"], .tojson)
    var options = JSONPrinter.Options()
    options.isASCIIOnly = given[0]?.isTrue ?? false
    options.sortsKeys = given[3]?.isTrue ?? false
    if let indent = given[1], !isNone(indent) {
      options.indent = try spaces(indent, .tojson)
      options.itemSeparator = ","
    }
    if let separators = given[2], !isNone(separators) {
      let pair = try context.elements(of: separators)
      guard pair.count == 2, case .string(let item) = pair[0], case .string(let key) = pair[1]
      else {
        throw context.invalid("'separators' of 'tojson' are two strings")
      }
      (options.itemSeparator, options.keySeparator) = (item, key)
    }
    return try JSONPrinter.text(of: value, options, context)
  }

  private func isNone(_ value: RuntimeValue) -> Bool {
    if case .none = value { true } else { false }
  }
}
