public import Foundation

/// How a file is packed, by the end of its name.
public enum Compression: String, Hashable, Sendable {
  /// `.gz`: unpacked by our own code, each member checked by length and CRC-32.
  case gzip = "gz"
  /// `.zst`: unpacked by the system's libzstd.
  case zstandard = "zst"

  /// The most bytes that a file may unpack to: a small file can claim to be endless.
  public static let maximumBytes = 4 << 30

  /// How a file of this name is packed; nil where it is not.
  public init?(_ url: URL) { self.init(rawValue: url.pathExtension.lowercased()) }

  /// Calls `body` with the bytes of a file, unpacked in memory where its name says that it is packed.
  ///
  /// - Parameters:
  ///   - url: the file.
  ///   - maximumBytes: the most that a packed file may unpack to.
  ///   - body: given the bytes, which are valid until it returns.
  /// - Throws: ``FormatError`` where the file cannot be read or unpacked, and what `body` throws.
  public static func withPlainBytes<Result>(
    of url: URL, maximumBytes: Int = maximumBytes,
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    let file = try MappedFile(url)
    return try file.withBytes(in: 0..<file.size) { bytes in
      switch Compression(url) {
      case nil: return try body(bytes)
      case .gzip:
        let plain = try Gzip.decompressed(bytes, file: url.path, maximumBytes: maximumBytes)
        return try plain.withUnsafeBytes(body)
      case .zstandard:
        let plain = try Zstandard.decompressed(
          bytes, file: url.path, maximumBytes: maximumBytes)
        return try plain.withUnsafeBytes(body)
      }
    }
  }

  /// The error about a file that cannot be unpacked.
  static func error(_ fault: Gzip.Fault, file: String) -> FormatError {
    FormatError(
      .damagedCompression, file: file, "it cannot be unpacked: \(fault.what)",
      advice: "get the file again")
  }
}
