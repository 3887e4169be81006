import ArgumentParser
import Foundation

/// What is read whole: a file, a pipe or standard input.
enum InputFile {
  /// The most that is read, far above any text that fits a model.
  private static let maximumBytes = 1 << 30

  /// The bytes without a mark of the byte order.
  ///
  /// - Parameter path: `-` for standard input.
  /// - Throws: ``CommandError`` for what cannot be read or is too large; `ExitCode` where an interrupt came instead.
  static func bytes(_ path: String) throws -> Data {
    let isInput = path == "-"
    let descriptor = isInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    defer { if !isInput, descriptor >= 0 { close(descriptor) } }
    var bytes = Data()
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = descriptor < 0 ? -1 : read(descriptor, &block, block.count)
      if count == 0 { break }
      if count < 0 {
        let code = errno
        if code == EINTR {
          if Interrupt.isRaised { throw ExitCode(Interrupt.exitCode) }
          continue
        }
        throw CommandError(
          "Reading \(name(path)) failed (\(String(cString: strerror(code)))); give a file that exists, or - "
            + "for standard input.")
      }
      bytes.append(contentsOf: block[..<count])
      guard bytes.count <= maximumBytes else {
        throw CommandError(
          "There are more than \(Numbers.bytes(maximumBytes)) in \(name(path)); give a smaller file."
        )
      }
    }
    return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes
  }

  /// What a sentence calls it.
  static func name(_ path: String) -> String { path == "-" ? "standard input" : path }
}
