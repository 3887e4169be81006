import Glibc
import Synchronization

/// Ctrl-C as a flag that long work asks for.
enum Interrupt {
  /// The exit code of a program that an interrupt ended.
  static let exitCode: Int32 = 130

  private static let count = Atomic<Int>(0)

  /// Takes interrupts from now on. A second one before ``clear()`` ends the program at once, for work
  /// that does not ask.
  static func install() {
    clear()  // Makes the flag before a handler can need it.
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in
      if Interrupt.count.wrappingAdd(1, ordering: .relaxed).newValue > 1 {
        _exit(Interrupt.exitCode)
      }
    }
    // No SA_RESTART: a read from the terminal is to end.
    sigaction(SIGINT, &action, nil)
  }

  /// Whether an interrupt came since the last ``clear()``.
  static var isRaised: Bool { count.load(ordering: .relaxed) > 0 }

  /// Forgets interrupts.
  static func clear() { count.store(0, ordering: .relaxed) }
}
