import Foundation

/// Keeps two processes from writing one run: held until it is let go or the process ends, however it ends.
final class FolderLock {
  private let descriptor: Int32

  /// Takes the lock of a folder.
  ///
  /// - Throws: ``SearchError`` when another process has it.
  init(_ folder: SearchFolder) throws(SearchError) {
    let path = Self.path(folder)
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw SearchError(
        "\(path) cannot be opened: \(String(cString: strerror(errno))); check its permissions")
    }
    // Whoever only looks holds it for a moment.
    for _ in 0..<20 {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
        let text = "\(getpid())\n"
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.utf8.count, 0) > 0 else {
          throw SearchError(
            "\(path) cannot be written: \(String(cString: strerror(errno))); check the disk")
        }
        return
      }
      usleep(10_000)
    }
    let holder = Self.holder(folder).map { "process \($0)" } ?? "another process"
    close(descriptor)
    throw SearchError("\(folder.url.path) is worked on by \(holder); wait for it or end it first")
  }

  deinit { close(descriptor) }

  /// The process that works on a run; nil when none does.
  static func holder(_ folder: SearchFolder) -> Int? {
    let other = open(path(folder), O_RDONLY | O_CLOEXEC)
    guard other >= 0 else { return nil }
    defer { close(other) }
    guard flock(other, LOCK_SH | LOCK_NB) != 0 else { return nil }
    let text = FileManager.default.contents(atPath: path(folder)) ?? Data()
    return Int(String(decoding: text, as: UTF8.self).filter(\.isNumber))
  }

  private static func path(_ folder: SearchFolder) -> String {
    folder.url.appending(path: "lock").path
  }
}
