import Foundation

/// Filters that make numbers.
extension TemplateFilters {
  func applyToNumber(
    _ filter: TemplateFilter, _ value: RuntimeValue, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    if case .undefined(let reason) = value { throw context.undefined(reason) }
    switch filter {
    case .abs:
      _ = try bound(arguments, [], filter)
      if let number = value.asInteger {
        return number < 0 ? try RuntimeArithmetic(context: context).negated(value) : .int(number)
      }
      guard let number = value.asDouble else { throw notNumber(value, filter) }
      return .double(number.magnitude)
    case .int:
      let given = try bound(arguments, ["default", "base"], filter)
      return try integer(value, base: try whole(given[1], filter) ?? 10) ?? given[0] ?? .int(0)
    case .float:
      let given = try bound(arguments, ["default"], filter)
      if let number = value.asDouble { return .double(number) }
      if case .string(let text) = value {
        try context.scan(text.utf8.count * 8)
        if let number = PythonNumbers.double(text) { return .double(number) }
      }
      return given[0] ?? .double(0)
    default: return try round(value, arguments)
    }
  }

  private func notNumber(_ value: RuntimeValue, _ filter: TemplateFilter) -> ChatTemplateError {
    context.invalid("the filter '\(filter.rawValue)' takes a number, not '\(value.typeName)'")
  }

  private func integer(_ value: RuntimeValue, base: Int) throws -> RuntimeValue? {
    if let number = value.asInteger { return .int(number) }
    var number = value.asDouble
    if case .string(let text) = value {
      try context.scan(text.utf8.count * 8)
      if let number = PythonNumbers.integer(text, base: base) { return .int(number) }
      number = PythonNumbers.double(text)
    }
    guard let number, number.isFinite else { return nil }
    guard let whole = Int(exactly: number.rounded(.towardZero)) else {
      throw context.failure(.limitExceeded, "a whole number does not fit 64 bits")
    }
    return .int(whole)
  }

  private func round(
    _ value: RuntimeValue, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    let given = try bound(arguments, ["precision", "method"], .round)
    let places = try whole(given[0], .round) ?? 0
    guard let number = value.asDouble else { throw notNumber(value, .round) }
    var method = "common"
    if let name = given[1] { method = try text(name) }
    switch method {
    case "common":
      guard let whole = value.asInteger else {
        return .double(PythonNumbers.rounded(number, places: places))
      }
      return .int(
        places < 0 ? Int(exactly: PythonNumbers.rounded(number, places: places)) ?? whole : whole)
    case "ceil", "floor":
      let power = pow(10, Double(places))
      let scaled = (number * power).rounded(method == "ceil" ? .up : .down)
      guard scaled.isFinite, power > 0 else {
        throw context.invalid("the filter 'round' cannot keep \(places) places")
      }
      return .double(scaled / power)
    default:
      throw context.invalid("the filter 'round' knows 'common', 'ceil' and 'floor'")
    }
  }
}
