/// The methods of strings, lists and dictionaries.
struct RuntimeMethods {
  let context: RenderContext

  private static let ofStrings: Set<String> = [
    "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "startswith", "endswith", "upper",
    "lower", "title", "capitalize", "replace", "join", "find", "rfind", "index", "count", "isdigit",
    "isspace", "isalpha", "isalnum", "isupper", "islower", "removeprefix", "removesuffix",
  ]
  private static let ofDictionaries: Set<String> = ["items", "keys", "values", "get", "copy"]
  private static let ofLists: Set<String> = ["index", "count"]
  private static let changingLists: Set<String> = [
    "append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort",
  ]
  private static let changingDictionaries: Set<String> = [
    "clear", "pop", "popitem", "setdefault", "update",
  ]

  static func exists(_ name: String, of value: RuntimeValue) -> Bool {
    switch value {
    case .string: ofStrings.contains(name)
    case .dictionary: ofDictionaries.contains(name)
    case .list: ofLists.contains(name) || name == "copy"
    case .tuple, .range: ofLists.contains(name)
    default: false
    }
  }

  /// Whether the immutable sandbox refuses the method.
  static func isMutating(_ name: String, of value: RuntimeValue) -> Bool {
    switch value {
    case .list: changingLists.contains(name)
    case .dictionary: changingDictionaries.contains(name)
    default: false
    }
  }

  func call(_ method: BoundMethod, _ arguments: RuntimeArguments) throws -> RuntimeValue {
    try context.spend()
    switch method.receiver {
    case .string(let text): return try call(method.name, text, arguments)
    case .dictionary(let dictionary): return try call(method.name, dictionary, arguments)
    case .loop(let loop):
      guard !arguments.positional.isEmpty, arguments.named.isEmpty else {
        throw context.invalid("'loop.cycle' takes values to go through")
      }
      return arguments.positional[loop.index0 % arguments.positional.count]
    default:
      if method.name == "copy" { return method.receiver }
      return try search(method, arguments)
    }
  }

  /// `index` and `count` of lists.
  private func search(
    _ method: BoundMethod, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    guard let value = try arguments.bound(to: ["value"], of: method.name, context)[0] else {
      throw context.invalid("'\(method.name)' takes a value")
    }
    let comparison = RuntimeComparison(context: context)
    var count = 0
    for (index, element) in try context.elements(of: method.receiver).enumerated()
    where try comparison.areEqual(element, value) {
      if method.name == "index" { return .int(index) }
      count += 1
    }
    if method.name == "index" { throw context.invalid("'index' did not find the value") }
    return .int(count)
  }

  private func call(
    _ name: String, _ dictionary: RuntimeDictionary, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    if name == "get" {
      let given = try arguments.bound(to: ["key", "default"], of: name, context)
      guard let key = given[0] else { throw context.invalid("'get' takes a key") }
      return try context.entry(key, of: dictionary) ?? given[1] ?? .none
    }
    _ = try arguments.bound(to: [], of: name, context)
    switch name {
    case "keys": return .view(RuntimeView(kind: .keys, dictionary: dictionary))
    case "values": return .view(RuntimeView(kind: .values, dictionary: dictionary))
    case "items": return .view(RuntimeView(kind: .items, dictionary: dictionary))
    default: return .dictionary(dictionary)
    }
  }

  // MARK: - Strings

  private func call(
    _ name: String, _ text: String, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    try context.scan(text.utf8.count)
    let python = PythonText(context: context)
    switch name {
    case "strip", "lstrip", "rstrip":
      let given = try arguments.bound(to: ["chars"], of: name, context)
      return try python.trim(
        text, of: try optionalText(given[0], name), start: name != "rstrip", end: name != "lstrip")
    case "split", "rsplit":
      let given = try arguments.bound(to: ["sep", "maxsplit"], of: name, context)
      return try python.split(
        text, by: try optionalText(given[0], name), limit: try number(given[1], name) ?? -1,
        fromEnd: name == "rsplit")
    case "splitlines":
      let given = try arguments.bound(to: ["keepends"], of: name, context)
      let lines = try python.lines(text, keepingEnds: given[0]?.isTrue ?? false)
      return try context.list(lines.map { .string($0) })
    case "startswith", "endswith": return try hasAffix(name, text, arguments)
    case "removeprefix", "removesuffix":
      let affix = try self.text(
        try arguments.bound(to: ["affix"], of: name, context)[0], name)
      let isPrefix = name == "removeprefix"
      guard hasAffix(text, affix, isPrefix: isPrefix) else { return .string(text) }
      let kept =
        isPrefix
        ? Substring(text.utf8.dropFirst(affix.utf8.count))
        : Substring(text.utf8.dropLast(affix.utf8.count))
      return try context.string(String(kept))
    case "join":
      guard let list = try arguments.bound(to: ["iterable"], of: name, context)[0] else {
        throw context.invalid("'join' takes a list")
      }
      let pieces = try context.elements(of: list).map { try self.text($0, name) }
      return try python.join(pieces, with: text)
    case "replace":
      let given = try arguments.bound(to: ["old", "new", "count"], of: name, context)
      return try python.replace(
        text, try self.text(given[0], name), try self.text(given[1], name),
        limit: try number(given[2], name) ?? -1)
    case "find", "rfind", "index", "count": return try search(name, text, arguments)
    default:
      _ = try arguments.bound(to: [], of: name, context)
      return try changed(name, text)
    }
  }

  private func changed(_ name: String, _ text: String) throws -> RuntimeValue {
    let python = PythonText(context: context)
    let scalars = text.unicodeScalars
    switch name {
    case "upper": return try python.changingCase(text) { $0.uppercased() }
    case "lower": return try python.changingCase(text) { $0.lowercased() }
    case "title": return try python.changingCase(text, PythonText.titled)
    case "capitalize": return try python.changingCase(text, PythonText.capitalized)
    case "isupper": return .bool(PythonText.isCased(text, upper: true))
    case "islower": return .bool(PythonText.isCased(text, upper: false))
    case "isspace": return .bool(!text.isEmpty && scalars.allSatisfy(isPythonSpace))
    case "isdigit": return .bool(!text.isEmpty && scalars.allSatisfy(isDigit))
    case "isalpha": return .bool(!text.isEmpty && scalars.allSatisfy(isLetter))
    default:
      return .bool(
        !text.isEmpty && scalars.allSatisfy { isLetter($0) || $0.properties.numericType != nil })
    }
  }

  private func isDigit(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.numericType == .decimal || scalar.properties.numericType == .digit
  }

  private func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  private func hasAffix(_ text: String, _ affix: String, isPrefix: Bool) -> Bool {
    guard affix.utf8.count <= text.utf8.count else { return false }
    return isPrefix
      ? text.utf8.starts(with: affix.utf8)
      : text.utf8.suffix(affix.utf8.count).elementsEqual(affix.utf8)
  }

  private func hasAffix(
    _ name: String, _ text: String, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    let given = try arguments.bound(to: ["affix", "start", "end"], of: name, context)
    var text = text
    if given[1] != nil || given[2] != nil { text = try part(of: text, given[1], given[2]).text }
    let affixes: [RuntimeValue]
    if case .tuple(let list) = given[0] {
      affixes = list.elements
    } else {
      affixes = [given[0] ?? .none]
    }
    for affix in affixes {
      let affix = try self.text(affix, name)
      try context.scan(32 + affix.utf8.count)
      if hasAffix(text, affix, isPrefix: name == "startswith") { return .bool(true) }
    }
    return .bool(false)
  }

  private func search(
    _ name: String, _ text: String, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    let python = PythonText(context: context)
    let given = try arguments.bound(to: ["sub", "start", "end"], of: name, context)
    let sought = try self.text(given[0], name)
    let (part, offset) = try part(of: text, given[1], given[2])
    if name == "count" { return .int(try python.count(of: sought, in: part)) }
    let place = try python.find(sought, in: part, fromEnd: name == "rfind")
    if place < 0, name == "index" { throw context.invalid("'index' did not find the text") }
    return .int(place < 0 ? -1 : place + offset)
  }

  /// The part of a text between two optional bounds, and the scalars before it.
  private func part(
    of text: String, _ start: RuntimeValue?, _ end: RuntimeValue?
  ) throws -> (text: String, offset: Int) {
    guard start != nil || end != nil else { return (text, 0) }
    let lookup = RuntimeLookup(context: context)
    let value = try lookup.slice(.string(text), start: start, stop: end, step: nil)
    guard case .string(let part) = value else { return (text, 0) }
    let count = text.unicodeScalars.count
    let first = start?.asInteger ?? 0
    return (part, min(max(first < 0 ? first + count : first, 0), count))
  }

  // MARK: - Arguments

  private func text(_ value: RuntimeValue?, _ name: String) throws -> String {
    switch value {
    case .string(let text): return text
    case .undefined(let reason): throw context.undefined(reason)
    default:
      throw context.invalid("'\(name)' takes a string, not '\(value?.typeName ?? "nothing")'")
    }
  }

  private func optionalText(_ value: RuntimeValue?, _ name: String) throws -> String? {
    switch value {
    case nil, .some(.none): nil
    default: try text(value, name)
    }
  }

  private func number(_ value: RuntimeValue?, _ name: String) throws -> Int? {
    guard let value else { return nil }
    guard let number = value.asInteger else {
      throw context.invalid("'\(name)' takes a whole number, not '\(value.typeName)'")
    }
    return number
  }
}
