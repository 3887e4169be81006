import Foundation

/// Messages from any threads to one that waits for them.
///
/// Unchecked: the condition's lock is held wherever the variables are used.
public final class Mailbox<Message: Sendable>: @unchecked Sendable {
  private let condition = NSCondition()
  private var messages: [Message] = []
  private var closingError: (any Error)?

  /// Creates an empty one.
  public init() {}

  /// Leaves a message.
  ///
  /// - Returns: what the mailbox was closed with, where it is closed and the message is dropped.
  @discardableResult
  public func post(_ message: Message) -> (any Error)? {
    condition.lock()
    defer { condition.unlock() }
    if let closingError { return closingError }
    messages.append(message)
    condition.signal()
    return nil
  }

  /// Takes the messages that are there, in order.
  ///
  /// - Parameter timeoutSeconds: for how long to wait for the first; without end where nil.
  /// - Returns: none where the time is over.
  public func take(timeoutSeconds: Double? = nil) -> [Message] {
    condition.lock()
    defer { condition.unlock() }
    let deadline = timeoutSeconds.map { Date(timeIntervalSinceNow: $0) }
    while messages.isEmpty {
      if let deadline {
        guard condition.wait(until: deadline) else { break }
      } else {
        condition.wait()
      }
    }
    defer { messages = [] }
    return messages
  }

  /// Takes no more messages.
  ///
  /// - Returns: those that are there.
  func close(_ error: any Error) -> [Message] {
    condition.lock()
    defer { condition.unlock() }
    closingError = error
    defer { messages = [] }
    return messages
  }

  /// Takes the messages that are there without waiting.
  func takeReady() -> [Message] {
    condition.lock()
    defer { condition.unlock() }
    defer { messages = [] }
    return messages
  }
}
