/// A checkpoint that cannot be read or written: one sentence that names the file and the fault.
public struct CheckpointError: Error, CustomStringConvertible, Sendable {
  /// What was read, what was expected, what to do.
  public let description: String

  init(_ description: String) { self.description = description }
}
