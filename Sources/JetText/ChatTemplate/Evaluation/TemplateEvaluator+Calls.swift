/// Calls of macros, methods and functions.
extension TemplateEvaluator {
  func evaluate(_ arguments: TemplateArguments) throws -> RuntimeArguments {
    var result = RuntimeArguments()
    result.positional = try arguments.positional.map(evaluate)
    for argument in arguments.named {
      result.named.append(
        RuntimeArguments.Named(name: argument.name, value: try evaluate(argument.value)))
    }
    if let list = arguments.unpackedList {
      let elements = try context.elements(of: try evaluate(list))
      try context.create(bytes: elements.count * RenderContext.elementBytes)
      result.positional += elements
    }
    if let unpacked = arguments.unpackedDictionary {
      guard case .dictionary(let dictionary) = try evaluate(unpacked) else {
        throw context.invalid("'**' takes a dictionary")
      }
      for key in dictionary.keys {
        guard case .string(let name) = key else {
          throw context.invalid("'**' takes a dictionary whose keys are strings")
        }
        try context.spend(1 + result.named.count / 8)
        result.named.append(
          RuntimeArguments.Named(name: name, value: dictionary.value(of: key)))
      }
    }
    return result
  }

  func evaluate(
    call callee: TemplateExpression, _ arguments: TemplateArguments, line: Int
  ) throws -> RuntimeValue {
    let function = try evaluate(callee)
    let arguments = try evaluate(arguments)
    context.line = line
    return try call(function, arguments)
  }

  /// Evaluates the call of a call block, which gets the block's body as `caller`.
  func evaluate(call: TemplateExpression, caller: TemplateMacro) throws -> RuntimeValue {
    guard case .call(let callee, let arguments) = call.form else { return .none }
    let function = try evaluate(callee)
    var evaluated = try evaluate(arguments)
    evaluated.named.append(RuntimeArguments.Named(name: "caller", value: try define(caller)))
    context.line = call.line
    return try self.call(function, evaluated)
  }

  func define(_ macro: TemplateMacro) throws -> RuntimeValue {
    // The scope stays alive with the macro until the render ends.
    try context.create(bytes: 1024)
    context.macroNames.append(macro.name)
    macros.append(MacroRecord(macro: macro, scope: scope))
    return .macro(macros.count - 1)
  }

  private func call(
    _ function: RuntimeValue, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    switch function {
    case .macro(let index): return try call(macros[index], arguments)
    case .function(let function): return try call(function, arguments)
    case .method(let method):
      return try RuntimeMethods(context: context).call(method, arguments)
    case .undefined(let reason): throw context.undefined(reason)
    default: throw context.invalid("a value of type '\(function.typeName)' cannot be called")
    }
  }

  private func call(
    _ record: MacroRecord, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    let macro = record.macro
    let names = macro.parameters.map(\.name)
    let extra = arguments.positional.dropFirst(names.count)
    var known = RuntimeArguments()
    known.positional = Array(arguments.positional.prefix(names.count))
    var extraNamed = RuntimeDictionaryBuilder()
    var caller = RuntimeValue.undefined(.hint("no caller defined"))
    for argument in arguments.named {
      if names.contains(argument.name) {
        known.named.append(argument)
      } else if argument.name == "caller", macro.takesCaller {
        caller = argument.value
      } else if macro.takesMoreNamed {
        extraNamed.set(argument.name, to: argument.value)
      } else {
        throw context.invalid(
          "the macro '\(excerpt(macro.name))' takes no argument named '\(excerpt(argument.name))'")
      }
    }
    guard extra.isEmpty || macro.takesMorePositional else {
      throw context.invalid(
        "the macro '\(excerpt(macro.name))' takes not more than \(names.count) arguments")
    }
    let values = try known.bound(to: names, of: macro.name, context)
    return try scoped(in: record.scope) {
      if macro.takesMorePositional { scope.set("varargs", to: try context.tuple(Array(extra))) }
      if macro.takesMoreNamed { scope.set("kwargs", to: try context.dictionary(extraNamed)) }
      if macro.takesCaller { scope.set("caller", to: caller) }
      for (parameter, value) in zip(macro.parameters, values) {
        let missing = RuntimeValue.undefined(
          .hint("parameter '\(excerpt(parameter.name))' was not provided"))
        scope.set(
          parameter.name, to: try value ?? parameter.defaultValue.map(evaluate) ?? missing)
      }
      return .string(try captured { try execute(macro.body) }.text)
    }
  }

  // MARK: - Functions

  private func call(
    _ function: GlobalFunction, _ arguments: RuntimeArguments
  ) throws -> RuntimeValue {
    switch function {
    case .range: return try range(arguments)
    case .dict: return try context.dictionary(try entries(arguments, of: "dict"))
    case .namespace:
      let entries = try entries(arguments, of: "namespace")
      var namespace = RuntimeNamespace()
      for case .string(let name) in entries.keys {
        namespace.set(name, to: entries.values[.text(ExactString(name))] ?? .none)
      }
      try context.create(bytes: 256 + entries.keys.count * 64)
      context.namespaces.append(namespace)
      return .namespace(context.namespaces.count - 1)
    case .raiseException:
      let message = try arguments.bound(to: ["message"], of: function.rawValue, context)[0]
      throw context.failure(
        .raised, try PythonPrinter.text(of: message ?? .string(""), context))
    case .strftimeNow:
      guard
        case .string(let format) = try arguments.bound(
          to: ["format"], of: function.rawValue, context)[0]
      else { throw context.invalid("'strftime_now' takes a format in a string") }
      // No directive writes more than ten times its own length.
      try context.create(stringBytes: format.utf8.count * 10)
      guard let text = context.clock.formatted(format) else {
        throw context.invalid("'strftime_now' does not know the format '\(excerpt(format))'")
      }
      return .string(text)
    }
  }

  private func range(_ arguments: RuntimeArguments) throws -> RuntimeValue {
    let numbers = arguments.positional.compactMap(\.asInteger)
    guard (1...3).contains(numbers.count), numbers.count == arguments.positional.count,
      arguments.named.isEmpty
    else { throw context.invalid("'range' takes one to three whole numbers") }
    let start = numbers.count == 1 ? 0 : numbers[0]
    let stop = numbers.count == 1 ? numbers[0] : numbers[1]
    let step = numbers.count == 3 ? numbers[2] : 1
    guard step != 0 else { throw context.invalid("the step of 'range' cannot be 0") }
    let isEmpty = step > 0 ? start >= stop : start <= stop
    // The difference of two 64-bit numbers fits 64 bits without a sign.
    let distance = UInt(bitPattern: step > 0 ? stop &- start : start &- stop)
    let count = isEmpty ? 0 : (distance - 1) / step.magnitude + 1
    // The bound of Jinja's sandbox.
    guard count <= 100_000 else {
      throw context.failure(.limitExceeded, "a range has more than 100000 numbers")
    }
    return .range(RuntimeRange(start: start, stop: stop, step: step, count: Int(count)))
  }

  private func entries(
    _ arguments: RuntimeArguments, of function: String
  ) throws -> RuntimeDictionaryBuilder {
    var builder = RuntimeDictionaryBuilder()
    guard arguments.positional.count <= 1 else {
      throw context.invalid("'\(function)' takes at most one argument without a name")
    }
    if case .dictionary(let dictionary) = arguments.positional.first {
      for key in dictionary.keys {
        builder.set(try context.key(key), original: key, to: dictionary.value(of: key))
      }
    } else if let pairs = arguments.positional.first {
      for pair in try context.elements(of: pairs) {
        let entry = try context.elements(of: pair)
        guard entry.count == 2 else { throw context.invalid("'\(function)' takes pairs") }
        builder.set(try context.key(entry[0]), original: entry[0], to: entry[1])
      }
    }
    for argument in arguments.named { builder.set(argument.name, to: argument.value) }
    return builder
  }
}
