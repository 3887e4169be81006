/// Filters over lists and dictionaries.
extension TemplateFilters {
  func applyToSequence(
    _ filter: TemplateFilter, _ value: RuntimeValue, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    switch filter {
    case .join: return try join(value, arguments)
    case .sort: return try sort(value, arguments)
    case .unique: return try unique(value, arguments)
    case .dictionarySort: return try sortDictionary(value, arguments)
    default: _ = try bound(arguments, [], filter)
    }
    switch filter {
    case .first:
      if case .iterator(let iterator) = value {
        return iterator.takeFirst() ?? .undefined(.hint("there is no first item"))
      }
      return try context.elements(of: value).first ?? .undefined(.hint("there is no first item"))
    case .last:
      return try reversible(value, filter).last ?? .undefined(.hint("there is no last item"))
    case .list: return try context.list(try context.elements(of: value))
    case .items:
      if case .undefined = value { return try context.iterator([]) }
      guard case .dictionary(let dictionary) = value else {
        throw context.invalid("the filter 'items' takes a dictionary, not '\(value.typeName)'")
      }
      return try context.iterator(
        try context.elements(of: .view(RuntimeView(kind: .items, dictionary: dictionary))))
    case .reverse:
      guard case .string(let text) = value else {
        return try context.iterator(try context.elements(of: value).reversed())
      }
      try context.scan(text.utf8.count)
      return try context.string(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
    default:
      guard let length = try context.length(of: value) else {
        throw context.invalid("a value of type '\(value.typeName)' has no length")
      }
      return .int(length)
    }
  }

  private func reversible(
    _ value: RuntimeValue, _ filter: TemplateFilter
  ) throws -> [RuntimeValue] {
    if case .iterator = value {
      throw context.invalid("the filter '\(filter.rawValue)' takes a list; add '| list' before it")
    }
    return try context.elements(of: value)
  }

  private func join(
    _ value: RuntimeValue, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    let given = try bound(arguments, ["d", "attribute"], .join)
    let key = try attributePath(given[1])
    let pieces = try context.elements(of: value).map { try text(try look(up: key, in: $0)) }
    return try PythonText(context: context).join(pieces, with: try text(given[0] ?? .string("")))
  }

  // MARK: - Attributes

  /// The parts of `"function.name"`, whole numbers among them as such.
  func attributePath(_ attribute: RuntimeValue?) throws -> [RuntimeValue] {
    switch attribute {
    case nil, .some(.none): return []
    case .string(let path):
      try context.scan(path.utf8.count * 8)
      return path.split(separator: ".", omittingEmptySubsequences: false).map { part in
        Int(part).flatMap { part.utf8.allSatisfy { $0 >= 0x30 } ? .int($0) : nil }
          ?? .string(String(part))
      }
    case .some(let other): return [other]
    }
  }

  func look(
    up path: [RuntimeValue], in value: RuntimeValue, default: RuntimeValue? = nil
  ) throws -> RuntimeValue {
    let lookup = RuntimeLookup(context: context)
    var result = value
    for part in path {
      result = try lookup.item(part, of: result)
      if let `default`, result.isUndefined { result = `default` }
    }
    return result
  }

  // MARK: - Order

  /// The value that sorting goes by: texts without their case unless it counts.
  private func sortKey(_ value: RuntimeValue, _ isCaseSensitive: Bool) throws -> RuntimeValue {
    guard !isCaseSensitive, case .string(let text) = value else { return value }
    return try PythonText(context: context).changingCase(text) { $0.lowercased() }
  }

  private struct Keyed {
    let keys: [RuntimeValue]
    let value: RuntimeValue
  }

  private func sorted(_ values: [Keyed], reverse: Bool) throws -> [RuntimeValue] {
    let comparison = RuntimeComparison(context: context)
    func isLess(_ left: [RuntimeValue], _ right: [RuntimeValue]) throws -> Bool {
      for (left, right) in zip(left, right) where !(try comparison.areEqual(left, right)) {
        return try comparison.isLess(left, right)
      }
      return false
    }
    // Equal elements keep their order, also in reverse.
    let order = try values.indices.sorted { left, right in
      let (first, second) = reverse ? (right, left) : (left, right)
      if try isLess(values[first].keys, values[second].keys) { return true }
      if try isLess(values[second].keys, values[first].keys) { return false }
      return left < right
    }
    return order.map { values[$0].value }
  }

  private func sort(
    _ value: RuntimeValue, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    let given = try bound(arguments, ["reverse", "case_sensitive", "attribute"], .sort)
    let isCaseSensitive = given[1]?.isTrue ?? false
    var paths = [try attributePath(given[2])]
    if case .string(let attributes) = given[2] {
      paths = try attributes.split(separator: ",", omittingEmptySubsequences: false).map {
        try attributePath(.string(String($0)))
      }
    }
    let values = try context.elements(of: value).map { element in
      Keyed(
        keys: try paths.map { try sortKey(try look(up: $0, in: element), isCaseSensitive) },
        value: element)
    }
    return try context.list(try sorted(values, reverse: given[0]?.isTrue ?? false))
  }

  private func sortDictionary(
    _ value: RuntimeValue, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    let given = try bound(arguments, ["case_sensitive", "by", "reverse"], .dictionarySort)
    guard case .dictionary(let dictionary) = value else {
      throw context.invalid("the filter 'dictsort' takes a dictionary, not '\(value.typeName)'")
    }
    let by = try text(given[1] ?? .string("key"))
    guard by == "key" || by == "value" else {
      throw context.invalid("the filter 'dictsort' sorts by 'key' or 'value'")
    }
    let isCaseSensitive = given[0]?.isTrue ?? false
    let values = try dictionary.keys.map { key in
      let value = dictionary.value(of: key)
      return Keyed(
        keys: [try sortKey(by == "key" ? key : value, isCaseSensitive)],
        value: try context.tuple([key, value]))
    }
    return try context.list(try sorted(values, reverse: given[2]?.isTrue ?? false))
  }

  private func unique(
    _ value: RuntimeValue, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    let given = try bound(arguments, ["case_sensitive", "attribute"], .unique)
    let path = try attributePath(given[1])
    var seen: Set<RuntimeKey> = []
    var result: [RuntimeValue] = []
    for element in try context.elements(of: value) {
      let key = try sortKey(try look(up: path, in: element), given[0]?.isTrue ?? false)
      if seen.insert(try context.key(key)).inserted { result.append(element) }
    }
    return try context.iterator(result)
  }

  func aggregate(
    _ filter: TemplateFilter, _ value: RuntimeValue, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    if filter == .sum {
      let given = try bound(arguments, ["attribute", "start"], filter)
      let path = try attributePath(given[0])
      let arithmetic = RuntimeArithmetic(context: context)
      return try context.elements(of: value).reduce(given[1] ?? .int(0)) {
        try context.spend()
        return try arithmetic.apply(.add, $0, try look(up: path, in: $1))
      }
    }
    let given = try bound(arguments, ["case_sensitive", "attribute"], filter)
    let path = try attributePath(given[1])
    let comparison = RuntimeComparison(context: context)
    var best: Keyed?
    for element in try context.elements(of: value) {
      let key = try sortKey(try look(up: path, in: element), given[0]?.isTrue ?? false)
      if let best {
        let isBetter =
          filter == .min
          ? try comparison.isLess(key, best.keys[0]) : try comparison.isLess(best.keys[0], key)
        if !isBetter { continue }
      }
      best = Keyed(keys: [key], value: element)
    }
    return best?.value ?? .undefined(.hint("there is no item, the list was empty"))
  }

  // MARK: - Filters and tests by name

  func map(_ value: RuntimeValue, _ arguments: RuntimeArguments) throws -> RuntimeValue {
    guard value.isTrue else { return try context.iterator([]) }
    let elements = try context.elements(of: value)
    guard let first = arguments.positional.first else {
      let given = try bound(arguments, ["attribute", "default"], .map)
      guard let attribute = given[0] else {
        throw context.invalid("the filter 'map' takes the name of a filter or an attribute")
      }
      let path = try attributePath(attribute)
      return try context.iterator(
        try elements.map { try look(up: path, in: $0, default: given[1]) })
    }
    guard case .string(let name) = first else {
      throw context.invalid("the filter 'map' takes the name of a filter, not '\(first.typeName)'")
    }
    var rest = arguments
    rest.positional.removeFirst()
    return try context.iterator(
      try elements.map { element in try context.nested { try apply(name, to: element, rest) } })
  }

  func select(
    _ filter: TemplateFilter, _ value: RuntimeValue, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    var rest = arguments
    var path: [RuntimeValue] = []
    if filter == .selectattr || filter == .rejectattr {
      guard !rest.positional.isEmpty else {
        throw context.invalid("the filter '\(filter.rawValue)' takes an attribute")
      }
      path = try attributePath(rest.positional.removeFirst())
    }
    var test: String?
    if !rest.positional.isEmpty {
      guard case .string(let name) = rest.positional.removeFirst() else {
        throw context.invalid("the filter '\(filter.rawValue)' takes the name of a test")
      }
      test = name
    }
    guard value.isTrue else { return try context.iterator([]) }
    let keeps = filter == .select || filter == .selectattr
    let elements = try context.elements(of: value).filter { element in
      try context.spend()
      let value = try look(up: path, in: element)
      return try (test.map { try tests.holds($0, value, rest) } ?? value.isTrue) == keeps
    }
    return try context.iterator(elements)
  }
}
