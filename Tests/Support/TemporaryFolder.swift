public import Foundation

/// A folder that exists as long as this object.
public final class TemporaryFolder {
  /// Where it lies.
  public let url: URL

  /// Makes an empty folder.
  public init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "jet-\(UUID())")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
  }

  deinit {
    do {
      try FileManager.default.removeItem(at: url)
    } catch {
      print("A test's folder was not removed: \(error)")
    }
  }

  /// Its path.
  public var path: String { url.path }

  /// The names in it, sorted.
  public var contents: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }

  /// Writes a file, with the folders above it.
  @discardableResult
  public func write(_ bytes: [UInt8], as name: String = "file") throws -> URL {
    let file = url.appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
    return file
  }

  /// Writes a text as UTF-8.
  @discardableResult
  public func write(_ text: String, as name: String) throws -> URL {
    try write(Array(text.utf8), as: name)
  }

  /// Writes a text and returns the file's path.
  @discardableResult
  public func write(_ text: String, to name: String) throws -> String {
    try write(text, as: name).path
  }
}
