public import Foundation

/// Files that appear whole or not at all.
///
/// The contents go to a temporary file of the same folder, which is synchronized, renamed to its
/// final name, and the folder is synchronized. Whoever has the old file open or mapped keeps it;
/// after any error the old file is untouched and the temporary one removed.
public enum AtomicFile {
  /// Writes data to a file.
  ///
  /// - Throws: ``FormatError/Fault/diskFull`` or ``FormatError/Fault/writeFailed``.
  public static func write(_ data: Data, to url: URL) throws {
    try write(to: url) { output in
      try data.withUnsafeBytes { try output.write($0) }
    }
  }

  /// Writes what `body` puts into the output to a file.
  ///
  /// - Throws: ``FormatError/Fault/diskFull``, ``FormatError/Fault/writeFailed``, or what `body`
  ///   throws.
  public static func write(to url: URL, _ body: (FileOutput) throws -> Void) throws {
    let path = url.path
    try expectReplaceable(path)
    let folder = url.deletingLastPathComponent().path
    let unique = "\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    let temporary = "\(folder)/.\(unique).partial"

    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw writingError(path, "when its temporary file was made", code: errno)
    }
    var isOpen = true
    var isRenamed = false
    defer {
      if isOpen { close(descriptor) }
      if !isRenamed { unlink(temporary) }
    }

    try body(FileOutput(descriptor: descriptor, path: path))
    guard fsync(descriptor) == 0 else {
      throw writingError(path, "when it was synchronized", code: errno)
    }
    isOpen = false
    guard close(descriptor) == 0 else {
      throw writingError(path, "when it was closed", code: errno)
    }
    guard rename(temporary, path) == 0 else {
      throw writingError(path, "when it was renamed to its final name", code: errno)
    }
    isRenamed = true
    try synchronize(folder: folder, for: path)
  }

  /// Refuses what a rename would replace though it is no file: a device, a pipe, a socket. Folders refuse by themselves.
  private static func expectReplaceable(_ path: String) throws(FormatError) {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    let kind = status.st_mode & S_IFMT
    guard kind == S_IFREG || kind == S_IFDIR else {
      throw FormatError(
        .notRegularFile, file: path,
        "it is a device, a pipe or a socket, which writing would replace",
        advice: "name a file")
    }
  }

  private static func synchronize(folder: String, for path: String) throws(FormatError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    // File systems without synchronization of folders answer EINVAL.
    guard descriptor >= 0, fsync(descriptor) == 0 || errno == EINVAL else {
      let code = errno
      if descriptor >= 0 { close(descriptor) }
      throw FormatError(
        .writeFailed, file: path,
        "the file is written, but synchronizing its folder failed: \(systemMessage(code))",
        advice: "check the disk, for a power failure may still lose the file")
    }
    close(descriptor)
  }
}
