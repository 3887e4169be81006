/// Expressions, from the weakest operator to the strongest.
extension TemplateParser {
  mutating func parseExpression(allowsConditional: Bool = true) throws -> TemplateExpression {
    try nested { parser in
      allowsConditional ? try parser.parseConditional() : try parser.parseOr()
    }
  }

  /// Reads an expression, or several with commas between them as a tuple.
  mutating func parseTuple(
    allowsConditional: Bool = true, endsAtRecursive: Bool = false, allowsEmpty: Bool = false
  ) throws -> TemplateExpression {
    let line = current.line
    var elements: [TemplateExpression] = []
    var isTuple = false
    while true {
      if !elements.isEmpty { try expect(",") }
      if isTupleEnd || endsAtRecursive && isName("recursive") { break }
      elements.append(try parseExpression(allowsConditional: allowsConditional))
      guard current.kind == .symbol(",") else { break }
      isTuple = true
    }
    if !isTuple {
      if let only = elements.first { return only }
      if !allowsEmpty { throw failure("expected an expression, found \(current.description)") }
    }
    return try make(.tuple(elements), line, over: elements)
  }

  private var isTupleEnd: Bool {
    current.kind == .variableEnd || current.kind == .blockEnd || current.kind == .symbol(")")
  }

  private func make(
    _ form: TemplateExpression.Form, _ line: Int, over parts: [TemplateExpression],
    and arguments: TemplateArguments? = nil
  ) throws -> TemplateExpression {
    let height = 1 + max(parts.lazy.map(\.height).max() ?? 0, arguments?.height ?? 0)
    guard height <= limits.nestingDepth else { throw tooDeep() }
    return TemplateExpression(form: form, line: line, height: height)
  }

  private mutating func parseConditional() throws -> TemplateExpression {
    let mark = unknownNames.count
    var expression = try parseOr()
    while isName("if") {
      let line = next().line
      let condition = try parseOr()
      let otherwise =
        skipName("else") ? try nested { try $0.parseConditional() } : nil
      unknownNames.removeLast(unknownNames.count - mark)
      expression = try make(
        .conditional(condition, then: expression, otherwise: otherwise), line,
        over: [condition, expression] + (otherwise.map { [$0] } ?? []))
    }
    return expression
  }

  private mutating func parseOr() throws -> TemplateExpression {
    let line = current.line
    var operands = [try parseAnd()]
    while skipName("or") { operands.append(try parseAnd()) }
    return operands.count == 1 ? operands[0] : try make(.any(operands), line, over: operands)
  }

  private mutating func parseAnd() throws -> TemplateExpression {
    let line = current.line
    var operands = [try parseNot()]
    while skipName("and") { operands.append(try parseNot()) }
    return operands.count == 1 ? operands[0] : try make(.all(operands), line, over: operands)
  }

  private mutating func parseNot() throws -> TemplateExpression {
    let line = current.line
    guard skipName("not") else { return try parseComparison() }
    let operand = try nested { try $0.parseNot() }
    return try make(.not(operand), line, over: [operand])
  }

  private mutating func parseComparison() throws -> TemplateExpression {
    let line = current.line
    let first = try parseSum()
    var operations: [TemplateExpression.Operation<TemplateComparison>] = []
    while let symbol = skipComparison() {
      operations.append(TemplateExpression.Operation(symbol: symbol, operand: try parseSum()))
    }
    if operations.isEmpty { return first }
    return try make(
      .comparison(first, operations), line, over: [first] + operations.map(\.operand))
  }

  private mutating func skipComparison() -> TemplateComparison? {
    switch current.kind {
    case .symbol(let symbol):
      guard let comparison = TemplateComparison(rawValue: symbol) else { return nil }
      index += 1
      return comparison
    case .name("in"):
      index += 1
      return .contained
    case .name("not") where tokens[index + 1].kind == .name("in"):
      index += 2
      return .notContained
    default: return nil
    }
  }

  private mutating func parseChain(
    _ symbols: Set<TemplateArithmetic>, _ parseOperand: (inout Self) throws -> TemplateExpression
  ) throws -> TemplateExpression {
    let line = current.line
    let first = try parseOperand(&self)
    var operations: [TemplateExpression.Operation<TemplateArithmetic>] = []
    while case .symbol(let text) = current.kind, let symbol = TemplateArithmetic(rawValue: text),
      symbols.contains(symbol)
    {
      index += 1
      operations.append(
        TemplateExpression.Operation(symbol: symbol, operand: try parseOperand(&self)))
    }
    if operations.isEmpty { return first }
    return try make(
      .arithmetic(first, operations), line, over: [first] + operations.map(\.operand))
  }

  private mutating func parseSum() throws -> TemplateExpression {
    try parseChain([.add, .subtract]) { try $0.parseConcatenation() }
  }

  private mutating func parseConcatenation() throws -> TemplateExpression {
    let line = current.line
    var operands = [try parseProduct()]
    while skip("~") { operands.append(try parseProduct()) }
    return operands.count == 1
      ? operands[0] : try make(.concatenation(operands), line, over: operands)
  }

  private mutating func parseProduct() throws -> TemplateExpression {
    try parseChain([.multiply, .divide, .floorDivide, .modulo]) {
      // Jinja's power is evaluated from the left, unlike Python's.
      try $0.parseChain([.power]) { try $0.parseUnary() }
    }
  }

  private mutating func parseUnary(takesFilters: Bool = true) throws -> TemplateExpression {
    let line = current.line
    var expression: TemplateExpression
    if skip("-") {
      let operand = try nested { try $0.parseUnary(takesFilters: false) }
      expression = try make(.negated(operand), line, over: [operand])
    } else if skip("+") {
      let operand = try nested { try $0.parseUnary(takesFilters: false) }
      expression = try make(.plus(operand), line, over: [operand])
    } else {
      expression = try parsePrimary()
    }
    expression = try parsePostfix(expression)
    return takesFilters ? try parseFilterChain(expression) : expression
  }

  private mutating func parsePrimary() throws -> TemplateExpression {
    let token = current
    func literal(_ value: TemplateValue) throws -> TemplateExpression {
      try make(.literal(value), token.line, over: [])
    }
    switch token.kind {
    case .name(let name):
      index += 1
      switch name {
      case "true", "True": return try literal(.bool(true))
      case "false", "False": return try literal(.bool(false))
      case "none", "None": return try literal(.none)
      default:
        if ["varargs", "kwargs", "caller"].contains(name) { specialNames.insert(name) }
        return try make(.name(name), token.line, over: [])
      }
    case .string(var text):
      index += 1
      while case .string(let more) = current.kind {
        text += more
        index += 1
      }
      return try literal(.string(text))
    case .integer(let number):
      index += 1
      return try literal(.int(number))
    case .double(let number):
      index += 1
      return try literal(.double(number))
    case .symbol("("):
      index += 1
      let expression = try parseTuple(allowsEmpty: true)
      try expect(")")
      return expression
    case .symbol("["): return try parseList()
    case .symbol("{"): return try parseDictionary()
    default: throw failure("unexpected \(token.description)")
    }
  }

  private mutating func parseList() throws -> TemplateExpression {
    let line = next().line
    var elements: [TemplateExpression] = []
    while !skip("]") {
      if !elements.isEmpty { try expect(",") }
      if skip("]") { break }
      elements.append(try parseExpression())
    }
    return try make(.list(elements), line, over: elements)
  }

  private mutating func parseDictionary() throws -> TemplateExpression {
    let line = next().line
    var pairs: [TemplateExpression.Pair] = []
    while !skip("}") {
      if !pairs.isEmpty { try expect(",") }
      if skip("}") { break }
      let key = try parseExpression()
      try expect(":")
      pairs.append(TemplateExpression.Pair(key: key, value: try parseExpression()))
    }
    return try make(.dictionary(pairs), line, over: pairs.map(\.key) + pairs.map(\.value))
  }

  private mutating func parsePostfix(
    _ base: TemplateExpression
  ) throws -> TemplateExpression {
    var expression = base
    while true {
      switch current.kind {
      case .symbol("."): expression = try parseAttribute(expression)
      case .symbol("["): expression = try parseSubscript(expression)
      case .symbol("("): expression = try parseCall(expression)
      default: return expression
      }
    }
  }

  private mutating func parseFilterChain(
    _ base: TemplateExpression
  ) throws -> TemplateExpression {
    var expression = base
    while true {
      switch current.kind {
      case .symbol("|"):
        for application in try parseFilters() {
          expression = try make(
            .filter(expression, application), application.line, over: [expression],
            and: application.arguments)
        }
      case .name("is"): expression = try parseTest(expression)
      case .symbol("("): expression = try parseCall(expression)
      default: return expression
      }
    }
  }

  private mutating func parseCall(_ callee: TemplateExpression) throws -> TemplateExpression {
    let line = current.line
    let arguments = try parseArguments()
    return try make(.call(callee, arguments), line, over: [callee], and: arguments)
  }

  private mutating func parseAttribute(
    _ base: TemplateExpression
  ) throws -> TemplateExpression {
    let line = next().line
    let token = next()
    switch token.kind {
    case .name(let name): return try make(.attribute(base, name), line, over: [base])
    case .integer(let number):
      let position = try make(.literal(.int(number)), line, over: [])
      return try make(.item(base, position), line, over: [base])
    default: throw failure("expected a name or number after '.', found \(token.description)")
    }
  }

  private mutating func parseSubscript(
    _ base: TemplateExpression
  ) throws -> TemplateExpression {
    let line = next().line
    let start = current.kind == .symbol(":") ? nil : try parseExpression()
    guard skip(":") else {
      guard let start else { throw failure("expected an expression in brackets") }
      var elements = [start]
      while skip(",") { elements.append(try parseExpression()) }
      try expect("]")
      let key = elements.count == 1 ? start : try make(.tuple(elements), line, over: elements)
      return try make(.item(base, key), line, over: [base, key])
    }
    let isStopGiven = current.kind != .symbol(":") && current.kind != .symbol("]")
    let stop = isStopGiven ? try parseExpression() : nil
    let step = skip(":") && current.kind != .symbol("]") ? try parseExpression() : nil
    try expect("]")
    return try make(
      .slice(base, TemplateSlice(start: start, stop: stop, step: step)), line,
      over: [base] + [start, stop, step].compactMap { $0 })
  }

  // MARK: - Filters, tests and arguments

  /// Reads `| name(arguments) | …`; `startsInline` leaves out the first bar.
  mutating func parseFilters(startsInline: Bool = false) throws -> [TemplateApplication] {
    var filters: [TemplateApplication] = []
    var isFirst = startsInline
    while isFirst || skip("|") {
      isFirst = false
      let line = current.line
      let name = try parseDottedName("the name of a filter")
      if !TemplateFilters.names.contains(name) {
        unknownNames.append(TemplateFilters.unknownName(name, line: line))
      }
      let arguments =
        current.kind == .symbol("(") ? try parseArguments() : TemplateArguments()
      filters.append(TemplateApplication(name: name, arguments: arguments, line: line))
    }
    return filters
  }

  private mutating func parseDottedName(_ purpose: String) throws -> String {
    var name = try expectName(purpose)
    while skip(".") { name += "." + (try expectName(purpose)) }
    return name
  }

  private mutating func parseTest(_ value: TemplateExpression) throws -> TemplateExpression {
    let line = next().line
    let isNegated = skipName("not")
    let name = try parseDottedName("the name of a test")
    if !TemplateTests.names.contains(name) {
      unknownNames.append(TemplateTests.unknownName(name, line: line))
    }
    var arguments = TemplateArguments()
    if current.kind == .symbol("(") {
      arguments = try parseArguments()
    } else if startsTestArgument {
      if isName("is") { throw failure("tests with 'is' cannot be chained") }
      let argument = try nested { try $0.parsePostfix(try $0.parsePrimary()) }
      arguments.positional = [argument]
    }
    let application = TemplateApplication(name: name, arguments: arguments, line: line)
    let test = try make(.test(value, application), line, over: [value], and: arguments)
    return isNegated ? try make(.not(test), line, over: [test]) : test
  }

  private var startsTestArgument: Bool {
    switch current.kind {
    case .name(let name): !["else", "or", "and"].contains(name)
    case .string, .integer, .double, .symbol("["), .symbol("{"): true
    default: false
    }
  }

  private mutating func parseArguments() throws -> TemplateArguments {
    try expect("(")
    var arguments = TemplateArguments()
    var isFirst = true
    while !skip(")") {
      if !isFirst {
        try expect(",")
        if skip(")") { break }
      }
      isFirst = false
      if skip("*") {
        guard arguments.unpackedList == nil, arguments.unpackedDictionary == nil else {
          throw failure("only one '*' is read, before '**'")
        }
        arguments.unpackedList = try parseExpression()
      } else if skip("**") {
        guard arguments.unpackedDictionary == nil else { throw failure("only one '**' is read") }
        arguments.unpackedDictionary = try parseExpression()
      } else if case .name(let name) = current.kind, tokens[index + 1].kind == .symbol("=") {
        guard arguments.unpackedDictionary == nil else {
          throw failure("a named argument follows '**'")
        }
        index += 2
        arguments.named.append(
          TemplateArguments.Named(name: name, value: try parseExpression()))
      } else {
        guard arguments.named.isEmpty, arguments.unpackedList == nil,
          arguments.unpackedDictionary == nil
        else { throw failure("a positional argument follows a named one") }
        arguments.positional.append(try parseExpression())
      }
    }
    return arguments
  }
}
