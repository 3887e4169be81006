import Foundation

/// A file that one holder at a time has locked: until it lets go or its process ends, however it ends.
final class LockedFile {
  private let path: String
  private let descriptor: Int32

  /// Locks the file at `path`, which is made where there is none; nil when another holder has it.
  ///
  /// - Throws: ``SearchError`` when it cannot be opened.
  init?(_ path: String) throws(SearchError) {
    let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard opened >= 0 else {
      throw SearchError(
        "\(path) cannot be opened: \(String(cString: strerror(errno))); check its permissions")
    }
    guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(opened)
      if code == EWOULDBLOCK { return nil }
      throw SearchError(
        "\(path) cannot be locked: \(String(cString: strerror(code))); put the run on a disk with file locks"
      )
    }
    (self.path, descriptor) = (path, opened)
  }

  deinit { close(descriptor) }

  /// Writes this process's number into the file, for ``holder(_:)``.
  ///
  /// - Throws: ``SearchError`` when the disk refuses it.
  func sign() throws(SearchError) {
    let text = "\(getpid())\n"
    guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.utf8.count, 0) > 0 else {
      throw SearchError(
        "\(path) cannot be written: \(String(cString: strerror(errno))); check the disk")
    }
  }

  /// Removes the file; it stays locked for who has it open.
  func remove() { unlink(path) }

  /// The process that holds the file at `path`; nil when none does.
  static func holder(_ path: String) -> Int? {
    let other = open(path, O_RDONLY | O_CLOEXEC)
    guard other >= 0 else { return nil }
    defer { close(other) }
    guard flock(other, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK else { return nil }
    let text = FileManager.default.contents(atPath: path) ?? Data()
    return Int(String(decoding: text, as: UTF8.self).filter(\.isNumber))
  }
}
