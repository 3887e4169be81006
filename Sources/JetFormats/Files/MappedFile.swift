public import Foundation

/// A regular file mapped read-only into memory.
///
/// Writers of this module replace files by renaming, so a mapping keeps the old contents. A foreign
/// program that shortens a mapped file in place makes later reads fail with SIGBUS; no mapping can
/// prevent that.
public final class MappedFile: @unchecked Sendable {
  /// The path, for messages.
  public let path: String
  /// Bytes of the file, at least 1.
  public let size: Int
  // Why `@unchecked Sendable` holds: all stored properties are `let`, the pages are mapped
  // PROT_READ and nothing here writes to them, `madvise` with the two hints used changes no
  // contents, and the one `munmap` is in `deinit`, when no other reference is left.
  private let base: UnsafeRawPointer

  /// Maps a file.
  ///
  /// - Parameter url: a file URL; links are followed.
  /// - Throws: ``FormatError/Fault/missingFile``, ``FormatError/Fault/notRegularFile`` (a folder, a
  ///   pipe, a device), ``FormatError/Fault/emptyFile`` or ``FormatError/Fault/unreadableFile``.
  public init(_ url: URL) throws(FormatError) {
    let path = url.path
    self.path = path
    // Without O_NONBLOCK the opening of a pipe would wait for its other end.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Self.openingError(path, code: errno) }
    defer { close(descriptor) }

    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Self.openingError(path, code: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "not a regular file"
      throw FormatError(
        .notRegularFile, file: path, "this is \(kind), but a file was expected",
        advice: "give the path of the file itself")
    }
    guard status.st_size > 0 else {
      throw FormatError(
        .emptyFile, file: path, "the file is empty",
        advice: "its download or copy may have failed; get it again")
    }
    let size = Int(status.st_size)
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0),
      address != MAP_FAILED
    else {
      throw FormatError(
        .unreadableFile, file: path, "mapping its \(size) bytes failed: \(systemMessage(errno))",
        advice: "check the limits on address space and the file system")
    }
    self.size = size
    base = UnsafeRawPointer(address)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: base), size) }

  /// The bytes of a range, valid as long as this object lives.
  ///
  /// - Precondition: the range lies in the file.
  public func bytes(in range: Range<Int>) -> UnsafeRawBufferPointer {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= size,
      "MappedFile: bytes \(range) of a file of \(size)")
    return UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
  }

  /// Calls `body` with the bytes of a range.
  ///
  /// - Precondition: the range lies in the file.
  public func withBytes<Result, Failure: Error>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(bytes(in: range))
  }

  /// Drops the pages that lie wholly in the range from memory; reading them again reads the file.
  ///
  /// A loader that copies tensor after tensor and discards each stays at the size of one copy.
  ///
  /// - Precondition: the range lies in the file.
  public func discard(_ range: Range<Int>) {
    let page = Self.pageSize
    precondition(
      range.lowerBound >= 0 && range.upperBound <= size,
      "MappedFile: bytes \(range) of a file of \(size)")
    let first = (range.lowerBound + page - 1) / page * page
    // The last page of the file belongs to the file alone, however much of it is used.
    let last = range.upperBound == size ? size : range.upperBound / page * page
    guard first < last else { return }
    advise(first..<last, MADV_DONTNEED)
  }

  /// Asks the system to read the range ahead, in order.
  ///
  /// - Precondition: the range lies in the file.
  public func prefetch(_ range: Range<Int>) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= size,
      "MappedFile: bytes \(range) of a file of \(size)")
    let first = range.lowerBound / Self.pageSize * Self.pageSize
    guard first < range.upperBound else { return }
    advise(first..<range.upperBound, MADV_WILLNEED)
  }

  // Both calls are hints: a refusal costs memory or time, never correctness.
  private func advise(_ range: Range<Int>, _ advice: Int32) {
    let start = UnsafeMutableRawPointer(mutating: base + range.lowerBound)
    _ = madvise(start, range.count, advice)
  }

  private static let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))

  private static func openingError(_ path: String, code: Int32) -> FormatError {
    switch code {
    case ENOENT, ENOTDIR:
      FormatError(.missingFile, file: path, "there is no such file", advice: "check the path")
    case ENXIO, ENODEV:
      FormatError(
        .notRegularFile, file: path, "this is not a regular file",
        advice: "give the path of the file itself")
    default:
      FormatError(
        .unreadableFile, file: path, "opening it failed: \(systemMessage(code))",
        advice: "check its permissions")
    }
  }
}

/// The system's words for an error number.
func systemMessage(_ code: Int32) -> String {
  guard let message = strerror(code) else { return "error \(code)" }
  return String(cString: message)
}
