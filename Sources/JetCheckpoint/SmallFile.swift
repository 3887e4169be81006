import Foundation
import JetFormats

/// The small files that stand beside the weights.
enum SmallFile {
  /// Larger than any that was seen, and small enough to be read whole.
  static let maximumBytes = 32 << 20

  /// The contents of a file; nil when there is none.
  ///
  /// - Throws: an error for what is there and cannot be read, is no regular file, or is too large.
  static func contents(of url: URL) throws -> Data? {
    guard access(url.path, F_OK) == 0 else { return nil }
    let file = try MappedFile(url)
    guard file.size <= maximumBytes else {
      throw CheckpointError(
        "\(url.path) has \(file.size) bytes; expected at most \(maximumBytes) of such a file")
    }
    return file.withBytes(in: 0..<file.size) { Data($0) }
  }

  /// The UTF-8 text of a file; nil when there is none.
  static func text(of url: URL) throws -> String? {
    guard let data = try contents(of: url) else { return nil }
    guard let text = String(data: data, encoding: .utf8) else {
      throw CheckpointError("\(url.path) is not UTF-8 text; get it again")
    }
    return text
  }
}
