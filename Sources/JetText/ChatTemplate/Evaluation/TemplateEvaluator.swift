/// Runs the statements of one render.
final class TemplateEvaluator {
  /// What a body ended with.
  enum Flow {
    case finished
    case leftLoop
    case continuedLoop
  }

  struct MacroRecord {
    let macro: TemplateMacro
    let scope: TemplateScope
  }

  let context: RenderContext
  let filters: TemplateFilters
  let tests: TemplateTests
  var scope: TemplateScope
  var macros: [MacroRecord] = []
  private var output = ""

  init(context: RenderContext, variables: [String: TemplateValue]) throws {
    self.context = context
    tests = TemplateTests(context: context)
    filters = TemplateFilters(context: context, tests: tests)
    let globals = TemplateScope(parent: nil)
    for function in GlobalFunction.allCases {
      globals.set(function.rawValue, to: .function(function))
    }
    for (name, value) in variables { globals.set(name, to: try context.value(value)) }
    scope = TemplateScope(parent: globals)
  }

  func render(_ body: [TemplateStatement]) throws -> String {
    _ = try execute(body)
    return output
  }

  /// Runs a body and returns what it writes instead of writing it.
  func captured(_ body: () throws -> Flow) throws -> (text: String, flow: Flow) {
    let outer = output
    output = ""
    let flow = try body()
    let text = output
    output = outer
    try context.create(bytes: text.utf8.count + 16)
    return (text, flow)
  }

  /// Runs a body with names of its own.
  func scoped<Result>(
    in parent: TemplateScope? = nil, _ body: () throws -> Result
  ) throws -> Result {
    let outer = scope
    scope = TemplateScope(parent: parent ?? outer)
    defer { scope = outer }
    return try body()
  }

  private func write(_ text: String) throws {
    let total = output.utf8.count + text.utf8.count
    guard total <= context.limits.outputBytes else {
      throw context.failure(
        .limitExceeded,
        "the rendered text is longer than \(context.limits.outputBytes) bytes")
    }
    try context.create(bytes: text.utf8.count)
    output += text
  }

  func execute(_ body: [TemplateStatement]) throws -> Flow {
    try context.nested {
      for statement in body {
        context.line = statement.line
        try context.spend()
        let flow = try execute(statement)
        if flow != .finished { return flow }
      }
      return .finished
    }
  }

  private func execute(_ statement: TemplateStatement) throws -> Flow {
    switch statement.form {
    case .text(let text): try write(text)
    case .output(let expression):
      let value = try evaluate(expression)
      context.line = statement.line
      try write(try PythonPrinter.text(of: value, context))
    case .set(let target, let expression): try assign(try evaluate(expression), to: target)
    case .setBlock(let target, let filters, let body):
      let (value, flow) = try filteredText(of: body, filters)
      try assign(value, to: target)
      return flow
    case .conditional(let branches, let otherwise):
      for branch in branches where try evaluate(branch.condition).isTrue {
        return try execute(branch.body)
      }
      return otherwise.isEmpty ? .finished : try execute(otherwise)
    case .loop(let loop): return try execute(loop)
    case .leaveLoop: return .leftLoop
    case .continueLoop: return .continuedLoop
    case .macro(let macro): scope.set(macro.name, to: try define(macro))
    case .call(let call, let caller):
      try write(try PythonPrinter.text(of: try evaluate(call: call, caller: caller), context))
    case .filterBlock(let filters, let body):
      let (value, flow) = try filteredText(of: body, filters)
      try write(try PythonPrinter.text(of: value, context))
      return flow
    case .with(let bindings, let body):
      let values = try bindings.map { try evaluate($0.value) }
      return try scoped {
        for (binding, value) in zip(bindings, values) { try assign(value, to: binding.target) }
        return try execute(body)
      }
    }
    return .finished
  }

  private func filteredText(
    of body: [TemplateStatement], _ applications: [TemplateApplication]
  ) throws -> (RuntimeValue, Flow) {
    let (text, flow) = try captured { try scoped { try execute(body) } }
    var value = RuntimeValue.string(text)
    for application in applications { value = try apply(application, to: value) }
    return (value, flow)
  }

  private func execute(_ loop: TemplateLoop) throws -> Flow {
    var items = try context.elements(of: try evaluate(loop.items))
    if let condition = loop.condition {
      items = try items.filter { item in
        try scoped {
          try assign(item, to: loop.target)
          return try evaluate(condition).isTrue
        }
      }
    }
    guard !items.isEmpty else { return try scoped { try execute(loop.otherwise) } }
    let state = try context.loop(items)
    for (index, item) in items.enumerated() {
      state.index0 = index
      let flow = try scoped {
        scope.set("loop", to: .loop(state))
        try assign(item, to: loop.target)
        return try execute(loop.body)
      }
      if flow == .leftLoop { break }
    }
    return .finished
  }

  private func assign(_ value: RuntimeValue, to target: TemplateTarget) throws {
    switch target {
    case .name(let name): scope.set(name, to: value)
    case .tuple(let targets):
      let values = try context.elements(of: value)
      guard values.count == targets.count else {
        throw context.invalid(
          "\(values.count) values cannot be unpacked into \(targets.count) names")
      }
      for (target, value) in zip(targets, values) { try assign(value, to: target) }
    case .namespaceAttribute(let name, let attribute):
      guard case .namespace(let index) = scope.lookup(name) else {
        throw context.invalid(
          "'\(excerpt(name))' is no namespace, so its attributes cannot be set")
      }
      context.namespaces[index].set(attribute, to: value)
    }
  }
}
