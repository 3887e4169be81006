internal import CJetTorch

/// An operator of libtorch's dispatcher, found once by its name and called boxed.
public struct Operator: Sendable {
  /// The name, such as `aten::add.Tensor`.
  public let name: String
  // Proof: a pointer to an entry of the dispatcher that lives as long as the process and is only read.
  private nonisolated(unsafe) let raw: jt_operator

  /// The operator `name` with `overload`, such as `("aten::add", "Tensor")`.
  ///
  /// - Precondition: libtorch, or a library of ours that is linked in, has registered it.
  public init(_ name: String, _ overload: String = "") {
    var found: jt_operator?
    guard jt_operator_find(name, overload, &found) == jt_status(JT_OK), let found else {
      fatalError("\(TorchError.last(name))")
    }
    self.name = overload.isEmpty ? name : "\(name).\(overload)"
    raw = found
  }

  /// Calls the operator and returns its one result.
  public func callAsFunction(_ arguments: Argument...) -> Tensor {
    let results = call(arguments, capacity: 1)
    return results.first ?? Tensor(adopting: nil)
  }

  /// Calls an operator with several results or a list of them; at most `capacity`.
  public func all(_ arguments: Argument..., capacity: Int = 16) -> [Tensor] {
    let results = call(arguments, capacity: capacity)
    return results
  }

  /// Calls an operator for its effect on an argument.
  public func run(_ arguments: Argument...) {
    _ = call(arguments, capacity: 4)
  }

  private func call(_ arguments: [Argument], capacity: Int) -> [Tensor] {
    // A tensor that stands for an earlier failure makes this call one too.
    if arguments.contains(where: \.isFailed) {
      return Array(repeating: Tensor(adopting: nil), count: capacity)
    }
    return withUnsafeTemporaryAllocation(of: jt_value.self, capacity: arguments.count) { values in
      withUnsafeTemporaryAllocation(of: jt_value.self, capacity: capacity) { results in
        var lists = ArgumentLists()
        defer { lists.release() }
        for (i, argument) in arguments.enumerated() {
          values.initializeElement(at: i, to: lists.value(of: argument))
        }
        var count: Int32 = 0
        let status = withExtendedLifetime(arguments) {
          jt_operator_call(
            raw, values.baseAddress, Int32(arguments.count), results.baseAddress, Int32(capacity),
            &count)
        }
        guard status == jt_status(JT_OK) else {
          ErrorScope.report(failure(arguments))
          return Array(repeating: Tensor(adopting: nil), count: capacity)
        }
        return (0..<Int(count)).map { i in
          results[i].tag == Int32(JT_TENSOR.rawValue)
            ? Tensor(adopting: results[i].tensor) : Tensor(adopting: nil)
        }
      }
    }
  }

  private func failure(_ arguments: [Argument]) -> TorchError {
    let shapes = arguments.compactMap(\.summary).joined(separator: ", ")
    return TorchError(operation: "\(name)(\(shapes))", message: String(cString: jt_last_error()))
  }
}
