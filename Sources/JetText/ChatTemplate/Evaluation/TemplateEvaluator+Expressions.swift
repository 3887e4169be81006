/// Evaluates expressions with Python's semantics.
extension TemplateEvaluator {
  func evaluate(_ expression: TemplateExpression) throws -> RuntimeValue {
    try context.nested {
      context.line = expression.line
      switch expression.form {
      case .literal(let value): return try context.value(value)
      case .name(let name): return scope.lookup(name) ?? .undefined(.name(name))
      case .list(let elements): return try context.list(try elements.map(evaluate))
      case .tuple(let elements): return try context.tuple(try elements.map(evaluate))
      case .dictionary(let pairs): return try evaluate(pairs)
      case .attribute, .item, .slice: return try evaluateLookup(expression)
      case .call(let callee, let arguments):
        return try evaluate(call: callee, arguments, line: expression.line)
      case .filter(let value, let application):
        return try apply(application, to: try evaluate(value))
      case .test(let value, let application):
        return .bool(try holds(application, of: try evaluate(value)))
      case .not(let operand): return .bool(!(try evaluate(operand).isTrue))
      case .all, .any, .conditional: return try evaluateChoice(expression)
      case .negated, .plus, .arithmetic, .concatenation, .comparison:
        return try evaluateOperation(expression)
      }
    }
  }

  private func evaluate(_ pairs: [TemplateExpression.Pair]) throws -> RuntimeValue {
    var builder = RuntimeDictionaryBuilder()
    for pair in pairs {
      let key = try evaluate(pair.key)
      builder.set(try context.key(key), original: key, to: try evaluate(pair.value))
    }
    return try context.dictionary(builder)
  }

  private func evaluateLookup(_ expression: TemplateExpression) throws -> RuntimeValue {
    let lookup = RuntimeLookup(context: context)
    switch expression.form {
    case .attribute(let base, let name):
      let base = try evaluate(base)
      context.line = expression.line
      return try lookup.attribute(name, of: base)
    case .item(let base, let key):
      let base = try evaluate(base)
      let key = try evaluate(key)
      context.line = expression.line
      return try lookup.item(key, of: base)
    case .slice(let base, let slice):
      let base = try evaluate(base)
      let bounds = try [slice.start, slice.stop, slice.step].map { try $0.map(evaluate) }
      context.line = expression.line
      return try lookup.slice(base, start: bounds[0], stop: bounds[1], step: bounds[2])
    default: return .none
    }
  }

  private func evaluateChoice(_ expression: TemplateExpression) throws -> RuntimeValue {
    switch expression.form {
    case .all(let operands):
      var value = RuntimeValue.none
      for operand in operands {
        value = try evaluate(operand)
        if !value.isTrue { break }
      }
      return value
    case .any(let operands):
      var value = RuntimeValue.none
      for operand in operands {
        value = try evaluate(operand)
        if value.isTrue { break }
      }
      return value
    case .conditional(let condition, let then, let otherwise):
      if try evaluate(condition).isTrue { return try evaluate(then) }
      guard let otherwise else {
        return .undefined(.hint("the condition is false and no 'else' gives another value"))
      }
      return try evaluate(otherwise)
    default: return .none
    }
  }

  private func evaluateOperation(_ expression: TemplateExpression) throws -> RuntimeValue {
    let arithmetic = RuntimeArithmetic(context: context)
    switch expression.form {
    case .negated(let operand): return try arithmetic.negated(try evaluate(operand))
    case .plus(let operand): return try arithmetic.plus(try evaluate(operand))
    case .arithmetic(let first, let operations):
      var result = try evaluate(first)
      for operation in operations {
        let operand = try evaluate(operation.operand)
        context.line = expression.line
        result = try arithmetic.apply(operation.symbol, result, operand)
      }
      return result
    case .concatenation(let operands):
      let values = try operands.map(evaluate)
      var result = ""
      for value in values {
        let text = try PythonPrinter.text(of: value, context)
        try context.create(stringBytes: result.utf8.count + text.utf8.count)
        result += text
      }
      return .string(result)
    case .comparison(let first, let operations):
      let comparison = RuntimeComparison(context: context)
      var left = try evaluate(first)
      for operation in operations {
        let right = try evaluate(operation.operand)
        context.line = expression.line
        guard try comparison.holds(operation.symbol, left, right) else { return .bool(false) }
        left = right
      }
      return .bool(true)
    default: return .none
    }
  }

  func apply(_ application: TemplateApplication, to value: RuntimeValue) throws -> RuntimeValue {
    let arguments = try evaluate(application.arguments)
    context.line = application.line
    return try filters.apply(application.name, to: value, arguments)
  }

  private func holds(_ application: TemplateApplication, of value: RuntimeValue) throws -> Bool {
    let arguments = try evaluate(application.arguments)
    context.line = application.line
    return try tests.holds(application.name, value, arguments)
  }
}
