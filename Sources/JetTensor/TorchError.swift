internal import CJetTorch
import Synchronization

/// What libtorch reported when an operation failed.
public struct TorchError: Error, CustomStringConvertible, Sendable {
  /// The operation that failed, such as `aten::matmul`.
  public let operation: String
  /// libtorch's own words.
  public let message: String

  /// Whether the device had no memory left.
  public var isOutOfMemory: Bool {
    message.contains("out of memory") || message.contains("can't allocate memory")
  }

  /// One line: the operation and libtorch's words.
  public var description: String { "\(operation): \(message)" }

  static func last(_ operation: String) -> TorchError {
    TorchError(operation: operation, message: String(cString: jt_last_error()))
  }
}

/// Runs `body`; the first failure of a tensor operation inside it is thrown instead of trapping.
///
/// After a failure the remaining operations of `body` that depend on its result do nothing, so `body` runs to its end
/// quickly; what it returns is dropped. Scopes nest. The scope covers the thread and task that run `body`.
///
/// - Throws: ``TorchError``, or what `body` throws itself.
public func withTorchErrors<Result>(_ body: () throws -> Result) throws -> Result {
  let scope = ErrorScope()
  let outcome = ErrorScope.$current.withValue(scope) { Swift.Result { try body() } }
  if let error = scope.first { throw error }
  return try outcome.get()
}

final class ErrorScope: Sendable {
  @TaskLocal static var current: ErrorScope?

  private let stored = Mutex<TorchError?>(nil)

  var first: TorchError? { stored.withLock { $0 } }

  /// Notes a failure in the scope around the caller, or traps where there is none.
  static func report(_ error: TorchError) {
    guard let scope = current else { fatalError("\(error)") }
    scope.stored.withLock { $0 = $0 ?? error }
  }
}

/// Calls `body`, a function of CJetTorch, and throws what it reports.
func check(_ operation: String, _ body: () -> jt_status) throws(TorchError) {
  guard body() == jt_status(JT_OK) else { throw TorchError.last(operation) }
}

/// Calls `body` and reports a failure to the scope around the caller; false then.
func succeeds(_ operation: String, _ body: () -> jt_status) -> Bool {
  if body() == jt_status(JT_OK) { return true }
  ErrorScope.report(TorchError.last(operation))
  return false
}
