/// The evaluated arguments of a call.
struct RuntimeArguments {
  struct Named {
    let name: String
    let value: RuntimeValue
  }

  var positional: [RuntimeValue] = []
  var named: [Named] = []

  /// Returns the arguments in the order of the parameters, `nil` for those not given.
  func bound(
    to parameters: [String], of function: String, _ context: RenderContext
  ) throws -> [RuntimeValue?] {
    guard positional.count <= parameters.count else {
      throw context.invalid(
        "'\(excerpt(function))' takes at most \(parameters.count) arguments, not \(positional.count)"
      )
    }
    var result: [RuntimeValue?] = positional
    result += Array(repeating: nil, count: parameters.count - positional.count)
    for argument in named {
      guard let index = parameters.firstIndex(of: argument.name) else {
        throw context.invalid(
          "'\(excerpt(function))' takes no argument named '\(excerpt(argument.name))'")
      }
      guard result[index] == nil else {
        throw context.invalid(
          "'\(excerpt(function))' got its argument '\(excerpt(argument.name))' twice")
      }
      result[index] = argument.value
    }
    return result
  }
}
