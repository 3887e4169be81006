import Foundation

/// An open file that is being written, from its start or from its end on.
public final class FileOutput {
  /// The path that errors name: where the file will stand in the end.
  public let path: String
  /// Bytes written so far by this object.
  public private(set) var byteCount = 0
  private let descriptor: Int32

  /// Writes to a descriptor, which stays the caller's to close.
  public init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Appends bytes.
  ///
  /// - Throws: ``FormatError/Fault/diskFull`` or ``FormatError/Fault/writeFailed``.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
    guard let base = bytes.baseAddress else { return }
    var done = 0
    while done < bytes.count {
      // Linux writes at most 2 GiB less a page at once; smaller pieces keep interruption prompt.
      let piece = min(bytes.count - done, 1 << 26)
      let written = Foundation.write(descriptor, base + done, piece)
      if written < 0 {
        let code = errno
        if code == EINTR { continue }
        throw writingError(path, "after \(byteCount + done) bytes", code: code)
      }
      done += written
    }
    byteCount += done
  }

  /// Appends the UTF-8 of a text.
  ///
  /// - Throws: ``FormatError/Fault/diskFull`` or ``FormatError/Fault/writeFailed``.
  public func write(_ text: String) throws(FormatError) {
    try write(Array(text.utf8))
  }

  /// Appends bytes.
  ///
  /// - Throws: ``FormatError/Fault/diskFull`` or ``FormatError/Fault/writeFailed``.
  public func write(_ bytes: [UInt8]) throws(FormatError) {
    var failure: FormatError?
    bytes.withUnsafeBytes { buffer in
      do throws(FormatError) { try write(buffer) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}

/// The error for a failed system call on a file being written.
func writingError(_ path: String, _ what: String, code: Int32) -> FormatError {
  switch code {
  case ENOSPC, EDQUOT, EFBIG:
    FormatError(
      .diskFull, file: path, "there is no room to write it \(what): \(systemMessage(code))",
      advice: "nothing was replaced; free some space and write again")
  default:
    FormatError(
      .writeFailed, file: path, "writing it failed \(what): \(systemMessage(code))",
      advice: "nothing was replaced; check the folder and its permissions")
  }
}
