/// Attributes, subscripts and slices, with the rules of Jinja's sandbox: `a.b` looks for a method
/// first and then for a key, `a['b']` the other way round, and what is not there is undefined.
struct RuntimeLookup {
  let context: RenderContext

  func attribute(_ name: String, of value: RuntimeValue) throws -> RuntimeValue {
    if case .undefined(let reason) = value { throw context.undefined(reason) }
    if let found = member(name, of: value) { return found }
    if case .dictionary(let dictionary) = value, let found = dictionary[name] { return found }
    return .undefined(.attribute(name, ofType: objectName(of: value)))
  }

  func item(_ key: RuntimeValue, of value: RuntimeValue) throws -> RuntimeValue {
    if case .undefined(let reason) = value { throw context.undefined(reason) }
    if let found = try element(key, of: value) { return found }
    if case .string(let name) = key {
      return member(name, of: value)
        ?? .undefined(.attribute(name, ofType: objectName(of: value)))
    }
    return .undefined(
      .element(try PythonPrinter.representation(of: key, context), ofType: objectName(of: value)))
  }

  private func objectName(of value: RuntimeValue) -> String {
    if case .none = value { "None" } else { value.typeName + " object" }
  }

  /// What Python's `getattr` finds.
  private func member(_ name: String, of value: RuntimeValue) -> RuntimeValue? {
    switch value {
    case .namespace(let index): return context.namespaces[index][name]
    case .loop(let loop): return loop.attribute(name)
    default: break
    }
    if RuntimeMethods.isMutating(name, of: value) {
      return .undefined(.refused(name, ofType: objectName(of: value)))
    }
    return RuntimeMethods.exists(name, of: value) ? .method(BoundMethod(value, name)) : nil
  }

  private func element(_ key: RuntimeValue, of value: RuntimeValue) throws -> RuntimeValue? {
    switch value {
    case .dictionary(let dictionary):
      if case .string(let text) = key { try context.scan(text.utf8.count) }
      guard isHashable(key) else { return nil }
      return dictionary[try context.key(key)]
    case .list(let list), .tuple(let list):
      return position(key, count: list.elements.count).map { list.elements[$0] }
    case .range(let range):
      return position(key, count: range.count).map { .int(range.number(at: $0)) }
    case .string(let text):
      guard key.asInteger != nil else { return nil }
      try context.scan(text.utf8.count)
      let scalars = text.unicodeScalars
      guard let index = position(key, count: scalars.count) else { return nil }
      return .string(String(scalars[scalars.index(scalars.startIndex, offsetBy: index)]))
    default: return nil
    }
  }

  private func isHashable(_ key: RuntimeValue) -> Bool {
    switch key {
    case .none, .bool, .int, .double, .string, .tuple: true
    default: false
    }
  }

  /// The place that a Python index means, counted from the end where it is negative.
  private func position(_ key: RuntimeValue, count: Int) -> Int? {
    guard let index = key.asInteger else { return nil }
    let place = index < 0 ? index + count : index
    return place >= 0 && place < count ? place : nil
  }

  // MARK: - Slices

  func slice(
    _ value: RuntimeValue, start: RuntimeValue?, stop: RuntimeValue?, step: RuntimeValue?
  ) throws -> RuntimeValue {
    let start = try bound(start)
    let stop = try bound(stop)
    let step = try bound(step) ?? 1
    guard step != 0 else { throw context.invalid("the step of a slice cannot be 0") }
    func places(_ count: Int) throws -> [Int] {
      let places = slicePlaces(count: count, start: start, stop: stop, step: step)
      try context.spend(places.count / 8)
      try context.create(bytes: places.count * 8)
      return places
    }
    switch value {
    case .undefined(let reason): throw context.undefined(reason)
    case .list(let list):
      return try context.list(try places(list.elements.count).map { list.elements[$0] })
    case .tuple(let list):
      return try context.tuple(try places(list.elements.count).map { list.elements[$0] })
    case .range(let range):
      let bounds = sliceBounds(count: range.count, start: start, stop: stop, step: step)
      // A step that passes 64 bits takes at most one number, whose step is never used.
      let product = range.step.multipliedReportingOverflow(by: step)
      return .range(
        RuntimeRange(
          start: range.number(at: bounds.first), stop: range.number(at: bounds.last),
          step: product.overflow ? 1 : product.partialValue, count: try places(range.count).count))
    case .string(let text):
      try context.create(bytes: text.utf8.count * 4)
      let scalars = Array(text.unicodeScalars)
      var result = String.UnicodeScalarView()
      for place in try places(scalars.count) { result.append(scalars[place]) }
      return try context.string(String(result))
    default: throw context.invalid("a value of type '\(value.typeName)' has no slices")
    }
  }

  private func bound(_ value: RuntimeValue?) throws -> Int? {
    guard let value else { return nil }
    if case .none = value { return nil }
    guard let number = value.asInteger else {
      throw context.invalid("the bounds of a slice are whole numbers, not '\(value.typeName)'")
    }
    return number
  }
}

/// The places at which a Python slice of `count` elements begins and before which it ends.
func sliceBounds(count: Int, start: Int?, stop: Int?, step: Int) -> (first: Int, last: Int) {
  func clamped(_ bound: Int) -> Int {
    let place = bound < 0 ? bound + count : bound
    return step > 0 ? min(max(place, 0), count) : min(max(place, -1), count - 1)
  }
  return (
    start.map(clamped) ?? (step > 0 ? 0 : count - 1), stop.map(clamped) ?? (step > 0 ? count : -1)
  )
}

/// The places that a Python slice of `count` elements takes, in order.
func slicePlaces(count: Int, start: Int?, stop: Int?, step: Int) -> [Int] {
  let bounds = sliceBounds(count: count, start: start, stop: stop, step: step)
  let bounded = max(-count - 1, min(step, count + 1))
  return Array(stride(from: bounds.first, to: bounds.last, by: bounded))
}
