/// The filters, by their names in templates.
enum TemplateFilter: String, CaseIterable {
  case abs, capitalize, count, d, e, escape, first, float, forceescape, indent, int, items, join,
    last
  case length, list, lower, map, max, min, reject, rejectattr, replace, reverse, round, safe, select
  case selectattr, sort, string, sum, title, tojson, trim, unique, upper
  case defaultValue = "default"
  case dictionarySort = "dictsort"
}

/// Applies filters to values.
///
/// - Source: Jinja 3.1 `filters.py`; `tojson` as transformers define it.
struct TemplateFilters {
  let context: RenderContext
  let tests: TemplateTests

  static let names = Set(TemplateFilter.allCases.map(\.rawValue))

  static func unknownName(_ name: String, line: Int) -> ChatTemplateError {
    ChatTemplateError(.unknownName, line: line, "no filter is named '\(excerpt(name))'")
  }

  func apply(
    _ name: String, to value: RuntimeValue, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    try context.spend()
    guard let filter = TemplateFilter(rawValue: name) else {
      throw Self.unknownName(name, line: context.line)
    }
    switch filter {
    case .capitalize, .lower, .upper, .title, .trim, .string, .safe, .escape, .e, .forceescape,
      .replace,
      .indent, .tojson:
      return try applyToText(filter, value, arguments)
    case .abs, .float, .int, .round: return try applyToNumber(filter, value, arguments)
    case .first, .last, .length, .count, .list, .items, .join, .reverse, .sort, .unique,
      .dictionarySort:
      return try applyToSequence(filter, value, arguments)
    case .map: return try map(value, arguments)
    case .select, .reject, .selectattr, .rejectattr: return try select(filter, value, arguments)
    case .max, .min, .sum: return try aggregate(filter, value, arguments)
    case .d, .defaultValue:
      let given = try bound(arguments, ["default_value", "boolean"], filter)
      let isReplaced = value.isUndefined || (given[1]?.isTrue ?? false) && !value.isTrue
      return isReplaced ? given[0] ?? .string("") : value
    }
  }

  func bound(
    _ arguments: RuntimeArguments, _ parameters: [String], _ filter: TemplateFilter
  ) throws -> [RuntimeValue?] {
    try arguments.bound(to: parameters, of: filter.rawValue, context)
  }

  func whole(_ value: RuntimeValue?, _ filter: TemplateFilter) throws -> Int? {
    guard let value else { return nil }
    guard let number = value.asInteger else {
      throw context.invalid(
        "the filter '\(filter.rawValue)' takes a whole number, not '\(value.typeName)'")
    }
    return number
  }

  func text(_ value: RuntimeValue) throws -> String { try PythonPrinter.text(of: value, context) }
}
