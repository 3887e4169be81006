/// Python's equality, order and containment.
struct RuntimeComparison {
  let context: RenderContext

  func holds(
    _ symbol: TemplateComparison, _ left: RuntimeValue, _ right: RuntimeValue
  ) throws -> Bool {
    switch symbol {
    case .equal: try areEqual(left, right)
    case .notEqual: !(try areEqual(left, right))
    case .less: try isLess(left, right, "<")
    case .greater: try isLess(right, left, ">")
    case .lessOrEqual: try isLessOrEqual(left, right, "<=")
    case .greaterOrEqual: try isLessOrEqual(right, left, ">=")
    case .contained: try contains(right, left)
    case .notContained: !(try contains(right, left))
    }
  }

  func areEqual(_ left: RuntimeValue, _ right: RuntimeValue) throws -> Bool {
    try context.spend()
    if let left = left.asInteger, let right = right.asInteger { return left == right }
    if let leftNumber = left.asDouble, let rightNumber = right.asDouble {
      // A whole number equals a floating one only where it is exactly that.
      if let whole = left.asInteger { return Int(exactly: rightNumber) == whole }
      if let whole = right.asInteger { return Int(exactly: leftNumber) == whole }
      return leftNumber == rightNumber
    }
    switch (left, right) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.string(let left), .string(let right)):
      try context.scan(min(left.utf8.count, right.utf8.count))
      return areExactlyEqual(left, right)
    case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
      guard left.elements.count == right.elements.count else { return false }
      for (left, right) in zip(left.elements, right.elements) where !(try areEqual(left, right)) {
        return false
      }
      return true
    case (.dictionary(let left), .dictionary(let right)):
      guard left.keys.count == right.keys.count else { return false }
      for key in left.keys {
        guard let other = right[try context.key(key)],
          try areEqual(left.value(of: key), other)
        else { return false }
      }
      return true
    case (.range(let left), .range(let right)):
      return left.count == right.count
        && (left.count == 0 || left.start == right.start)
        && (left.count <= 1 || left.step == right.step)
    case (.namespace(let left), .namespace(let right)), (.macro(let left), .macro(let right)):
      return left == right
    case (.iterator(let left), .iterator(let right)): return left === right
    case (.loop(let left), .loop(let right)): return left === right
    default: return false
    }
  }

  /// Returns whether `left` comes before `right`.
  ///
  /// - Throws: ``ChatTemplateError`` where Python has no order of the two.
  func isLess(
    _ left: RuntimeValue, _ right: RuntimeValue, _ symbol: String = "<"
  ) throws -> Bool {
    try context.spend()
    if let left = left.asInteger, let right = right.asInteger { return left < right }
    if let left = left.asDouble, let right = right.asDouble { return left < right }
    switch (left, right) {
    case (.undefined(let reason), _), (_, .undefined(let reason)):
      throw context.undefined(reason)
    case (.string(let left), .string(let right)):
      try context.scan(min(left.utf8.count, right.utf8.count))
      return isExactlyLess(left, right)
    case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
      for (left, right) in zip(left.elements, right.elements) where !(try areEqual(left, right)) {
        return try isLess(left, right, symbol)
      }
      return left.elements.count < right.elements.count
    default:
      throw context.invalid(
        "'\(symbol)' has no meaning between '\(left.typeName)' and '\(right.typeName)'")
    }
  }

  private func isLessOrEqual(
    _ left: RuntimeValue, _ right: RuntimeValue, _ symbol: String
  ) throws -> Bool {
    if let left = left.asDouble, let right = right.asDouble, left.isNaN || right.isNaN {
      return false
    }
    return !(try isLess(right, left, symbol))
  }

  func contains(_ container: RuntimeValue, _ value: RuntimeValue) throws -> Bool {
    switch container {
    case .string(let text):
      if case .undefined(let reason) = value { throw context.undefined(reason) }
      guard case .string(let part) = value else {
        throw context.invalid("'in' a string takes a string, not '\(value.typeName)'")
      }
      return try PythonText(context: context).firstPlace(of: part, in: text) != nil
    case .dictionary(let dictionary): return try context.entry(value, of: dictionary) != nil
    case .view(let view) where view.kind == .keys:
      return try context.entry(value, of: view.dictionary) != nil
    default:
      for element in try context.elements(of: container) where try areEqual(element, value) {
        return true
      }
      return false
    }
  }
}
