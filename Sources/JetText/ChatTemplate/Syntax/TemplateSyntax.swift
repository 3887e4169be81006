/// An expression of a template.
struct TemplateExpression: Sendable {
  indirect enum Form: Sendable {
    case literal(TemplateValue)
    case name(String)
    case list([TemplateExpression])
    case tuple([TemplateExpression])
    case dictionary([Pair])
    case attribute(TemplateExpression, String)
    case item(TemplateExpression, TemplateExpression)
    case slice(TemplateExpression, TemplateSlice)
    case call(TemplateExpression, TemplateArguments)
    case filter(TemplateExpression, TemplateApplication)
    case test(TemplateExpression, TemplateApplication)
    case not(TemplateExpression)
    case negated(TemplateExpression)
    case plus(TemplateExpression)
    /// A chain of operators of one precedence, evaluated from the left.
    case arithmetic(TemplateExpression, [Operation<TemplateArithmetic>])
    case concatenation([TemplateExpression])
    case comparison(TemplateExpression, [Operation<TemplateComparison>])
    case all([TemplateExpression])
    case any([TemplateExpression])
    case conditional(TemplateExpression, then: TemplateExpression, otherwise: TemplateExpression?)
  }

  struct Pair: Sendable {
    let key: TemplateExpression
    let value: TemplateExpression
  }

  struct Operation<Operator: Sendable>: Sendable {
    let symbol: Operator
    let operand: TemplateExpression
  }

  let form: Form
  let line: Int
  /// The number of nested expressions, this one included.
  let height: Int
}

enum TemplateArithmetic: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case modulo = "%"
  case power = "**"
}

enum TemplateComparison: String, Sendable {
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case contained = "in"
  case notContained = "not in"
}

struct TemplateSlice: Sendable {
  let start: TemplateExpression?
  let stop: TemplateExpression?
  let step: TemplateExpression?
}

/// What stands between the parentheses of a call.
struct TemplateArguments: Sendable {
  struct Named: Sendable {
    let name: String
    let value: TemplateExpression
  }

  var positional: [TemplateExpression] = []
  var named: [Named] = []
  var unpackedList: TemplateExpression?
  var unpackedDictionary: TemplateExpression?

  var height: Int {
    let all =
      positional + named.map(\.value)
      + [unpackedList, unpackedDictionary].compactMap { $0 }
    return all.map(\.height).max() ?? 0
  }
}

/// A filter or test with its arguments.
struct TemplateApplication: Sendable {
  let name: String
  let arguments: TemplateArguments
  let line: Int
}

/// A statement of a template.
struct TemplateStatement: Sendable {
  indirect enum Form: Sendable {
    case text(String)
    case output(TemplateExpression)
    case set(TemplateTarget, TemplateExpression)
    case setBlock(TemplateTarget, filters: [TemplateApplication], body: [TemplateStatement])
    case conditional([Branch], otherwise: [TemplateStatement])
    case loop(TemplateLoop)
    case leaveLoop
    case continueLoop
    case macro(TemplateMacro)
    case call(TemplateExpression, caller: TemplateMacro)
    case filterBlock([TemplateApplication], body: [TemplateStatement])
    case with([Binding], body: [TemplateStatement])
  }

  struct Branch: Sendable {
    let condition: TemplateExpression
    let body: [TemplateStatement]
  }

  struct Binding: Sendable {
    let target: TemplateTarget
    let value: TemplateExpression
  }

  let form: Form
  let line: Int
}

/// What an assignment writes to.
indirect enum TemplateTarget: Sendable {
  case name(String)
  case tuple([TemplateTarget])
  case namespaceAttribute(namespace: String, attribute: String)
}

struct TemplateLoop: Sendable {
  let target: TemplateTarget
  let items: TemplateExpression
  let condition: TemplateExpression?
  let body: [TemplateStatement]
  let otherwise: [TemplateStatement]
}

struct TemplateMacro: Sendable {
  struct Parameter: Sendable {
    let name: String
    let defaultValue: TemplateExpression?
  }

  let name: String
  let parameters: [Parameter]
  let body: [TemplateStatement]
  /// Whether the body names `varargs`, `kwargs` or `caller`, which lets a call give more.
  let takesMorePositional: Bool
  let takesMoreNamed: Bool
  let takesCaller: Bool
}
