import Glibc

/// Lines of standard input, where an interrupt can be told from the end.
struct LineReader {
  /// What reading gave.
  enum Line: Equatable {
    case text(String)
    /// Ctrl-C was typed; what stood on the line is dropped.
    case interrupted
    /// Ctrl-D, or the end of a file.
    case end
  }

  private let descriptor: Int32
  private var pending: [UInt8] = []
  private var isAtEnd = false

  init(descriptor: Int32 = STDIN_FILENO) { self.descriptor = descriptor }

  /// Waits for a line; it comes without its end.
  mutating func next() throws -> Line {
    while true {
      if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        defer { pending.removeSubrange(...end) }
        return .text(try Self.text(pending[..<end]))
      }
      if isAtEnd {
        if pending.isEmpty { return .end }
        defer { pending = [] }
        return .text(try Self.text(pending[...]))
      }
      if let interrupted = try fill() { return interrupted }
    }
  }

  private static func text(_ bytes: ArraySlice<UInt8>) throws -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandError("A line of standard input is not UTF-8; convert it.")
    }
    return text
  }

  private mutating func fill() throws -> Line? {
    var block = [UInt8](repeating: 0, count: 65_536)
    let count = read(descriptor, &block, block.count)
    if count < 0 {
      guard errno == EINTR else {
        throw CommandError(
          "Standard input could not be read: \(String(cString: strerror(errno))); check where it comes from."
        )
      }
      guard Interrupt.isRaised else { return nil }
      pending = []
      return .interrupted
    }
    pending += block.prefix(count)
    isAtEnd = count == 0
    return nil
  }
}
