/// The tests that follow `is`.
///
/// - Source: Jinja 3.1 `tests.py`.
struct TemplateTests {
  let context: RenderContext

  private static let comparisons: [String: TemplateComparison] = [
    "==": .equal, "eq": .equal, "equalto": .equal, "!=": .notEqual, "ne": .notEqual,
    ">": .greater, "gt": .greater, "greaterthan": .greater, ">=": .greaterOrEqual,
    "ge": .greaterOrEqual, "<": .less, "lt": .less, "lessthan": .less, "<=": .lessOrEqual,
    "le": .lessOrEqual, "in": .contained,
  ]
  private static let others: Set<String> = [
    "odd", "even", "divisibleby", "defined", "undefined", "filter", "test", "none", "boolean",
    "false", "true", "integer", "float", "lower", "upper", "string", "mapping", "number",
    "sequence", "iterable", "callable", "sameas", "escaped",
  ]

  static let names = others.union(comparisons.keys)

  static func unknownName(_ name: String, line: Int) -> ChatTemplateError {
    ChatTemplateError(.unknownName, line: line, "no test is named '\(excerpt(name))'")
  }

  func holds(
    _ name: String, _ value: RuntimeValue, _ arguments: RuntimeArguments
  ) throws -> Bool {
    try context.spend()
    if let comparison = Self.comparisons[name] {
      return try RuntimeComparison(context: context).holds(
        comparison, value, try argument(name, arguments))
    }
    switch name {
    case "divisibleby":
      return try remainder(value, try argument(name, arguments)) == 0
    case "sameas": return try isSame(value, try argument(name, arguments))
    default: _ = try arguments.bound(to: [], of: name, context)
    }
    switch name {
    case "odd": return try remainder(value, .int(2)) == 1
    case "even": return try remainder(value, .int(2)) == 0
    case "filter": return TemplateFilters.names.contains(try PythonPrinter.text(of: value, context))
    case "test": return Self.names.contains(try PythonPrinter.text(of: value, context))
    case "lower", "upper":
      let text = try PythonPrinter.text(of: value, context)
      try context.scan(text.utf8.count)
      return PythonText.isCased(text, upper: name == "upper")
    default:
      guard Self.others.contains(name) else { throw Self.unknownName(name, line: context.line) }
      return hasKind(name, value)
    }
  }

  private func argument(_ name: String, _ arguments: RuntimeArguments) throws -> RuntimeValue {
    guard let value = try arguments.bound(to: ["other"], of: name, context)[0] else {
      throw context.invalid("the test '\(name)' takes a value to compare with")
    }
    return value
  }

  private func remainder(_ value: RuntimeValue, _ divisor: RuntimeValue) throws -> Double {
    let result = try RuntimeArithmetic(context: context).apply(.modulo, value, divisor)
    return result.asDouble ?? .nan
  }

  private func isSame(_ left: RuntimeValue, _ right: RuntimeValue) throws -> Bool {
    switch (left, right) {
    case (.none, .none): true
    case (.bool(let left), .bool(let right)): left == right
    case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
      left === right
    case (.dictionary(let left), .dictionary(let right)): left === right
    case (.bool, _), (_, .bool), (.none, _), (_, .none): false
    default:
      try left.typeName == right.typeName
        && RuntimeComparison(context: context).areEqual(left, right)
    }
  }

  private func hasKind(_ name: String, _ value: RuntimeValue) -> Bool {
    switch (name, value) {
    case ("defined", _): !value.isUndefined
    case ("undefined", .undefined), ("none", .none), ("boolean", .bool), ("false", .bool(false)),
      ("true", .bool(true)), ("integer", .int), ("float", .double), ("string", .string),
      ("mapping", .dictionary), ("number", .int), ("number", .double), ("number", .bool):
      true
    case ("sequence", .undefined), ("sequence", .string), ("sequence", .list),
      ("sequence", .tuple), ("sequence", .range), ("sequence", .dictionary):
      true
    case ("iterable", .undefined), ("iterable", .string), ("iterable", .list),
      ("iterable", .tuple), ("iterable", .range), ("iterable", .dictionary), ("iterable", .view),
      ("iterable", .iterator), ("iterable", .loop):
      true
    case ("callable", .macro), ("callable", .function), ("callable", .method),
      ("callable", .undefined):
      true
    default: false
    }
  }
}
