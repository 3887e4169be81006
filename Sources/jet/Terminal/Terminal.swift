import Foundation
import Glibc

/// The program's two outputs. Text goes out at once, so that an answer can be read as it is made.
enum Terminal {
  /// Whether someone types.
  static var isInteractive: Bool { isatty(STDIN_FILENO) == 1 }

  /// Writes results to standard output.
  ///
  /// - Throws: ``CommandError`` when they cannot be written, as to a full disk.
  static func write(_ text: String) throws {
    if let code = write(text, to: STDOUT_FILENO) {
      throw CommandError(
        "Standard output could not be written: \(String(cString: strerror(code))); check where it goes."
      )
    }
  }

  /// Writes a result and ends the line.
  static func print(_ text: String) throws { try write(text + "\n") }

  /// Tells the person at the terminal something that is no result, on standard error.
  static func note(_ text: String) {
    // Nobody is left to be told when this fails.
    _ = write(text + "\n", to: STDERR_FILENO)
  }

  private static func write(_ text: String, to descriptor: Int32) -> Int32? {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 {
        if errno == EINTR { continue }
        return errno
      }
      bytes = bytes.dropFirst(written)
    }
    return nil
  }
}

/// One line of JSON with keys in the order of the alphabet, words joined by underscores.
func jsonLine(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  encoder.keyEncodingStrategy = .convertToSnakeCase
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
