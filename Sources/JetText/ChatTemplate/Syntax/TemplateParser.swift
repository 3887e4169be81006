/// Reads tokens into statements.
///
/// - Source: Jinja 3.1 `parser.py`.
struct TemplateParser {
  let tokens: [TemplateToken]
  let limits: TemplateLimits
  var index = 0
  var depth = 0
  var loopDepth = 0
  /// Filters and tests that do not exist and that no condition guards, as Jinja refuses them.
  var unknownNames: [ChatTemplateError] = []
  /// The special names of macros that were read so far.
  var specialNames: Set<String> = []

  init(tokens: [TemplateToken], limits: TemplateLimits) {
    self.tokens = tokens
    self.limits = limits
  }

  mutating func parseTemplate() throws -> [TemplateStatement] {
    let body = try parseBody(until: [])
    if let unknown = unknownNames.first { throw unknown }
    return body
  }

  /// Reads statements up to a block that begins with one of `endings`.
  ///
  /// The ending is left as the current name. Without endings it reads to the end of the template.
  private mutating func parseBody(until endings: Set<String>) throws -> [TemplateStatement] {
    try nested { parser in
      var body: [TemplateStatement] = []
      while true {
        let token = parser.next()
        switch token.kind {
        case .data(let text):
          body.append(TemplateStatement(form: .text(text), line: token.line))
        case .variableBegin:
          let expression = try parser.parseTuple()
          try parser.expect(.variableEnd)
          body.append(TemplateStatement(form: .output(expression), line: token.line))
        case .blockBegin:
          if case .name(let name) = parser.current.kind, endings.contains(name) { return body }
          body += try parser.parseStatement()
          try parser.expect(.blockEnd)
        case .end where endings.isEmpty: return body
        case .end:
          throw parser.failure("the template ends where one of \(endings.sorted()) is expected")
        default: throw parser.failure("unexpected \(token.description)")
        }
      }
    }
  }

  /// Reads the end of the opening tag, a body, and the name of the tag that ends it.
  private mutating func parseBlock(until endings: Set<String>) throws -> [TemplateStatement] {
    _ = skip(":")
    try expect(.blockEnd)
    let body = try parseBody(until: endings)
    return body
  }

  private mutating func parseBlock(end: String) throws -> [TemplateStatement] {
    let body = try parseBlock(until: [end])
    _ = next()
    return body
  }

  private mutating func parseStatement() throws -> [TemplateStatement] {
    let line = current.line
    let name = try expectName("the name of a tag")
    let form: TemplateStatement.Form
    switch name {
    case "set": form = try parseSet()
    case "if": form = try parseIf()
    case "for": form = try parseFor()
    case "break", "continue":
      guard loopDepth > 0 else { throw failure("'\(name)' stands outside of a loop") }
      form = name == "break" ? .leaveLoop : .continueLoop
    case "macro":
      let name = try expectName("the name of a macro")
      form = .macro(try parseMacro(name: name, end: "endmacro", signature: true))
    case "call": form = try parseCallBlock()
    case "filter":
      form = .filterBlock(
        try parseFilters(startsInline: true), body: try parseBlock(end: "endfilter"))
    case "with": form = try parseWith()
    case "generation":
      let outer = loopDepth
      loopDepth = 0
      form = .with([], body: try parseBlock(end: "endgeneration"))
      loopDepth = outer
    case "print": return try parsePrint(line: line)
    case "include", "import", "from", "extends", "block", "autoescape":
      throw failure("'\(name)' is not supported in chat templates")
    default: throw failure("unknown tag '\(excerpt(name))'")
    }
    return [TemplateStatement(form: form, line: line)]
  }

  private mutating func parsePrint(line: Int) throws -> [TemplateStatement] {
    var statements: [TemplateStatement] = []
    while current.kind != .blockEnd {
      if !statements.isEmpty { try expect(",") }
      statements.append(TemplateStatement(form: .output(try parseExpression()), line: line))
    }
    return statements
  }

  private mutating func parseSet() throws -> TemplateStatement.Form {
    let target = try parseTarget(allowsNamespace: true)
    if skip("=") { return .set(target, try parseTuple()) }
    let filters = try parseFilters()
    return .setBlock(target, filters: filters, body: try parseBlock(end: "endset"))
  }

  private mutating func parseIf() throws -> TemplateStatement.Form {
    let mark = unknownNames.count
    var branches: [TemplateStatement.Branch] = []
    var otherwise: [TemplateStatement] = []
    while true {
      let condition = try parseTuple(allowsConditional: false)
      let body = try parseBlock(until: ["elif", "else", "endif"])
      branches.append(TemplateStatement.Branch(condition: condition, body: body))
      let ending = next().kind
      if ending == .name("elif") { continue }
      if ending == .name("else") { otherwise = try parseBlock(end: "endif") }
      break
    }
    unknownNames.removeLast(unknownNames.count - mark)
    return .conditional(branches, otherwise: otherwise)
  }

  private mutating func parseFor() throws -> TemplateStatement.Form {
    let target = try parseTarget(allowsNamespace: false)
    guard skipName("in") else { throw failure("expected 'in', found \(current.description)") }
    let items = try parseTuple(allowsConditional: false, endsAtRecursive: true)
    let condition = skipName("if") ? try parseExpression() : nil
    if isName("recursive") { throw failure("recursive loops are not supported") }
    loopDepth += 1
    let body = try parseBlock(until: ["endfor", "else"])
    loopDepth -= 1
    let otherwise = next().kind == .name("else") ? try parseBlock(end: "endfor") : []
    return .loop(
      TemplateLoop(
        target: target, items: items, condition: condition, body: body, otherwise: otherwise))
  }

  private mutating func parseWith() throws -> TemplateStatement.Form {
    var bindings: [TemplateStatement.Binding] = []
    while current.kind != .blockEnd {
      if !bindings.isEmpty { try expect(",") }
      let target = try parseTarget(allowsNamespace: false)
      try expect("=")
      bindings.append(TemplateStatement.Binding(target: target, value: try parseExpression()))
    }
    return .with(bindings, body: try parseBlock(end: "endwith"))
  }

  private mutating func parseCallBlock() throws -> TemplateStatement.Form {
    let hasSignature = current.kind == .symbol("(")
    let parameters = hasSignature ? try parseParameters() : []
    let call = try parseExpression()
    guard case .call = call.form else { throw failure("expected the call of a macro") }
    let caller = try parseMacro(name: "caller", end: "endcall", parameters: parameters)
    return .call(call, caller: caller)
  }

  private mutating func parseMacro(
    name: String, end: String, signature: Bool = false,
    parameters given: [TemplateMacro.Parameter] = []
  ) throws -> TemplateMacro {
    let outer = (loopDepth, specialNames)
    loopDepth = 0
    specialNames = []
    let parameters = signature ? try parseParameters() : given
    let body = try parseBlock(end: end)
    // The body of a call block belongs to the macro around it, whose `caller` it may use.
    defer {
      (loopDepth, specialNames) = (outer.0, signature ? outer.1 : outer.1.union(specialNames))
    }
    return TemplateMacro(
      name: name, parameters: parameters, body: body,
      takesMorePositional: specialNames.contains("varargs"),
      takesMoreNamed: specialNames.contains("kwargs"),
      takesCaller: specialNames.contains("caller"))
  }

  private mutating func parseParameters() throws -> [TemplateMacro.Parameter] {
    var parameters: [TemplateMacro.Parameter] = []
    try expect("(")
    while !skip(")") {
      if !parameters.isEmpty { try expect(",") }
      let name = try expectAssignableName()
      let value = skip("=") ? try parseExpression() : nil
      if value == nil, parameters.last?.defaultValue != nil {
        throw failure("the parameter '\(excerpt(name))' without default follows one with default")
      }
      if parameters.contains(where: { $0.name == name }) {
        throw failure("the parameter '\(excerpt(name))' is named twice")
      }
      guard parameters.count < 256 else { throw failure("a macro takes at most 256 parameters") }
      parameters.append(TemplateMacro.Parameter(name: name, defaultValue: value))
    }
    return parameters
  }

  // MARK: - Targets of assignments

  private mutating func parseTarget(allowsNamespace: Bool) throws -> TemplateTarget {
    var targets = [try parseSingleTarget(allowsNamespace: allowsNamespace)]
    var isTuple = false
    while skip(",") {
      isTuple = true
      if isName("in") || current.kind == .blockEnd
        || current.kind == .symbol(")")
      {
        break
      }
      targets.append(try parseSingleTarget(allowsNamespace: allowsNamespace))
    }
    return isTuple ? .tuple(targets) : targets[0]
  }

  private mutating func parseSingleTarget(allowsNamespace: Bool) throws -> TemplateTarget {
    if skip("(") {
      let target = try nested { try $0.parseTarget(allowsNamespace: false) }
      try expect(")")
      return target
    }
    let name = try expectAssignableName()
    guard allowsNamespace, skip(".") else { return .name(name) }
    return .namespaceAttribute(
      namespace: name, attribute: try expectName("the name of an attribute"))
  }

  private mutating func expectAssignableName() throws -> String {
    let name = try expectName("a name to assign to")
    guard !["true", "false", "none", "True", "False", "None"].contains(name) else {
      throw failure("the constant '\(name)' cannot be assigned to")
    }
    return name
  }

  // MARK: - Tokens

  var current: TemplateToken { tokens[index] }

  mutating func next() -> TemplateToken {
    let token = tokens[index]
    if index + 1 < tokens.count { index += 1 }
    return token
  }

  mutating func skip(_ symbol: String) -> Bool {
    guard current.kind == .symbol(symbol) else { return false }
    index += 1
    return true
  }

  func isName(_ name: String) -> Bool { current.kind == .name(name) }

  mutating func skipName(_ name: String) -> Bool {
    guard isName(name) else { return false }
    index += 1
    return true
  }

  mutating func expect(_ symbol: String) throws { try expect(.symbol(symbol)) }

  mutating func expect(_ kind: TemplateToken.Kind) throws {
    guard current.kind == kind else {
      let expected = TemplateToken(kind: kind, line: 0).description
      throw failure("expected \(expected), found \(current.description)")
    }
    _ = next()
  }

  mutating func expectName(_ purpose: String) throws -> String {
    guard case .name(let name) = current.kind else {
      throw failure("expected \(purpose), found \(current.description)")
    }
    index += 1
    return name
  }

  func failure(_ reason: String) -> ChatTemplateError {
    ChatTemplateError(.syntax, line: current.line, reason)
  }

  /// Runs a part of the parser one level deeper.
  mutating func nested<Result>(_ body: (inout Self) throws -> Result) throws -> Result {
    guard depth < limits.nestingDepth else { throw tooDeep() }
    depth += 1
    defer { depth -= 1 }
    return try body(&self)
  }

  func tooDeep() -> ChatTemplateError {
    ChatTemplateError(
      .limitExceeded, line: current.line,
      "blocks or expressions are nested deeper than \(limits.nestingDepth)")
  }
}
