import Foundation

/// Python's operators on numbers, strings and lists.
struct RuntimeArithmetic {
  let context: RenderContext

  func negated(_ value: RuntimeValue) throws -> RuntimeValue {
    if case .undefined(let reason) = value { throw context.undefined(reason) }
    if let number = value.asInteger {
      return try checked(Int(0).subtractingReportingOverflow(number))
    }
    if let number = value.asDouble { return .double(-number) }
    throw context.invalid("'-' takes a number, not '\(value.typeName)'")
  }

  func plus(_ value: RuntimeValue) throws -> RuntimeValue {
    if case .undefined(let reason) = value { throw context.undefined(reason) }
    if let number = value.asInteger { return .int(number) }
    if case .double = value { return value }
    throw context.invalid("'+' takes a number, not '\(value.typeName)'")
  }

  func apply(
    _ symbol: TemplateArithmetic, _ left: RuntimeValue, _ right: RuntimeValue
  ) throws -> RuntimeValue {
    if case .undefined(let reason) = left { throw context.undefined(reason) }
    if case .undefined(let reason) = right { throw context.undefined(reason) }
    if let left = left.asInteger, let right = right.asInteger {
      return try integers(symbol, left, right)
    }
    if let left = left.asDouble, let right = right.asDouble {
      return .double(try doubles(symbol, left, right))
    }
    switch (symbol, left, right) {
    case (.add, .string(let left), .string(let right)):
      try context.create(stringBytes: left.utf8.count + right.utf8.count)
      return .string(left + right)
    case (.add, .list(let left), .list(let right)):
      return try context.list(left.elements + right.elements)
    case (.add, .tuple(let left), .tuple(let right)):
      return try context.tuple(left.elements + right.elements)
    case (.multiply, let value, let count): return try repeated(value, count)
    default: throw unsupported(symbol, left, right)
    }
  }

  private func unsupported(
    _ symbol: TemplateArithmetic, _ left: RuntimeValue, _ right: RuntimeValue
  ) -> ChatTemplateError {
    context.invalid(
      "'\(symbol.rawValue)' does not take '\(left.typeName)' and '\(right.typeName)'")
  }

  private func repeated(_ left: RuntimeValue, _ right: RuntimeValue) throws -> RuntimeValue {
    let (value, factor) = left.asInteger == nil ? (left, right) : (right, left)
    guard let number = factor.asInteger else { throw unsupported(.multiply, left, right) }
    let count = max(number, 0)
    func size(_ unit: Int) -> Int {
      let (product, isOver) = unit.multipliedReportingOverflow(by: count)
      return isOver ? Int.max / 2 : min(product, Int.max / 2)
    }
    switch value {
    case .string(let text):
      try context.create(stringBytes: size(text.utf8.count))
      return .string(repeated(text, text.isEmpty ? 0 : count))
    case .list(let list), .tuple(let list):
      try context.create(bytes: min(size(list.elements.count), Int.max / 64) * 24)
      let count = list.elements.isEmpty ? 0 : count
      let elements = Array(repeatElement(list.elements, count: count).joined())
      if case .tuple = value { return try context.tuple(elements) }
      return try context.list(elements)
    default: throw unsupported(.multiply, left, right)
    }
  }

  /// Repeats a text by doubling, a hundred times faster than piece by piece for short ones.
  private func repeated(_ text: String, _ count: Int) -> String {
    let total = text.utf8.count * count
    var bytes = Array(text.utf8.prefix(total))
    bytes.reserveCapacity(total)
    while bytes.count < total { bytes += bytes.prefix(total - bytes.count) }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func checked(_ result: (partialValue: Int, overflow: Bool)) throws -> RuntimeValue {
    guard !result.overflow else {
      throw context.failure(.limitExceeded, "a whole number does not fit 64 bits")
    }
    return .int(result.partialValue)
  }

  private func integers(
    _ symbol: TemplateArithmetic, _ left: Int, _ right: Int
  ) throws -> RuntimeValue {
    switch symbol {
    case .add: return try checked(left.addingReportingOverflow(right))
    case .subtract: return try checked(left.subtractingReportingOverflow(right))
    case .multiply: return try checked(left.multipliedReportingOverflow(by: right))
    case .divide: return .double(try doubles(.divide, Double(left), Double(right)))
    case .floorDivide, .modulo:
      guard right != 0 else { throw context.invalid("division by zero") }
      if right == -1 {
        return symbol == .modulo ? .int(0) : try checked(Int(0).subtractingReportingOverflow(left))
      }
      let remainder = left % right
      let isShifted = remainder != 0 && (remainder < 0) != (right < 0)
      if symbol == .modulo { return .int(isShifted ? remainder + right : remainder) }
      return .int(left / right - (isShifted ? 1 : 0))
    case .power:
      if right < 0 { return .double(try doubles(.power, Double(left), Double(right))) }
      return try power(left, right)
    }
  }

  private func power(_ base: Int, _ exponent: Int) throws -> RuntimeValue {
    if base == 0 || base == 1 { return .int(exponent == 0 ? 1 : base) }
    if base == -1 { return .int(exponent % 2 == 0 ? 1 : -1) }
    // Any other base passes 64 bits within 64 products.
    var result = RuntimeValue.int(1)
    for _ in 0..<min(exponent, 64) {
      result = try checked((result.asInteger ?? 0).multipliedReportingOverflow(by: base))
    }
    return result
  }

  private func doubles(
    _ symbol: TemplateArithmetic, _ left: Double, _ right: Double
  ) throws -> Double {
    switch symbol {
    case .add: return left + right
    case .subtract: return left - right
    case .multiply: return left * right
    case .divide, .floorDivide, .modulo:
      guard right != 0 else { throw context.invalid("division by zero") }
      if symbol == .divide { return left / right }
      var remainder = fmod(left, right)
      var quotient = (left - remainder) / right
      if remainder != 0, (remainder < 0) != (right < 0) {
        remainder += right
        quotient -= 1
      }
      if symbol == .modulo {
        return remainder == 0 ? Double(signOf: right, magnitudeOf: 0) : remainder
      }
      let floored = quotient.rounded(.down)
      if quotient == 0 { return Double(signOf: left / right, magnitudeOf: 0) }
      return quotient - floored > 0.5 ? floored + 1 : floored
    case .power:
      let result = pow(left, right)
      guard result.isFinite || !left.isFinite || !right.isFinite else {
        throw context.invalid("the result of '**' is no number that can be written")
      }
      return result
    }
  }
}
