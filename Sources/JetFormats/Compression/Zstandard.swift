import Foundation

/// Files of zstd, unpacked in memory by the system's libzstd, which is opened when it is needed.
///
/// Frames come one after another; each is checked by the library, by its checksum too where it has one. A window beyond
/// the library's own limit (128 MiB) is refused by it.
///
/// - Source: RFC 8878; the streaming interface of `zstd.h`.
enum Zstandard {
  /// The unpacked bytes of a whole file.
  ///
  /// - Throws: ``FormatError/Fault/damagedCompression``, or ``FormatError/Fault/missingLibrary`` without libzstd.
  static func decompressed(
    _ bytes: UnsafeRawBufferPointer, file: String, maximumBytes: Int = Compression.maximumBytes,
    library name: String = Library.name
  ) throws(FormatError) -> [UInt8] {
    guard let library = Library(name) else {
      throw FormatError(
        .missingLibrary, file: file,
        "it is packed by zstd, but \(name) cannot be opened on this system",
        advice: "unpack the file with 'zstd -d' first")
    }
    do throws(Gzip.Fault) {
      return try unpacked(bytes, library, maximumBytes)
    } catch {
      throw Compression.error(error, file: file)
    }
  }

  private static func unpacked(
    _ bytes: UnsafeRawBufferPointer, _ library: Library, _ maximumBytes: Int
  ) throws(Gzip.Fault) -> [UInt8] {
    guard let stream = library.createStream() else { throw Gzip.Fault("there is no memory for it") }
    defer { _ = library.freeStream(stream) }
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)
    defer { chunk.deallocate() }
    var result: [UInt8] = []
    var input = StreamBuffer(start: bytes.baseAddress, size: bytes.count)
    // What is left of a frame; 0 at its end.
    var rest = 1
    while input.position < input.size || rest != 0 {
      var output = StreamBuffer(start: UnsafeRawPointer(chunk.baseAddress), size: chunk.count)
      let before = input.position
      rest = library.decompress(stream, &output, &input)
      if library.isError(rest) != 0 {
        throw Gzip.Fault(library.errorName(rest).map { String(cString: $0) } ?? "it is damaged")
      }
      guard result.count + output.position <= maximumBytes else {
        throw Gzip.Fault("it unpacks to more than \(maximumBytes) bytes")
      }
      result += chunk[..<output.position]
      if rest != 0, input.position == before, output.position == 0 {
        throw Gzip.Fault("it ends early")
      }
    }
    return result
  }
}

extension Zstandard {
  /// `ZSTD_inBuffer` and `ZSTD_outBuffer`, which have one layout.
  struct StreamBuffer {
    var start: UnsafeRawPointer?
    var size: Int
    var position = 0
  }

  /// The functions of libzstd that are used here.
  struct Library {
    static let name = "libzstd.so.1"

    typealias Create = @convention(c) () -> OpaquePointer?
    typealias Free = @convention(c) (OpaquePointer) -> Int
    typealias Decompress =
      @convention(c) (OpaquePointer, UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Int
    typealias IsError = @convention(c) (Int) -> UInt32
    typealias ErrorName = @convention(c) (Int) -> UnsafePointer<CChar>?
    typealias Compress =
      @convention(c) (UnsafeMutableRawPointer, Int, UnsafeRawPointer, Int, Int32) -> Int

    let createStream: Create
    let freeStream: Free
    let decompress: Decompress
    let isError: IsError
    let errorName: ErrorName
    /// In one piece: tests make their files with it.
    let compress: Compress

    /// The library by its file name; nil where the system has none. It stays open.
    init?(_ name: String = Self.name) {
      guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL),
        let create = dlsym(handle, "ZSTD_createDStream"),
        let free = dlsym(handle, "ZSTD_freeDStream"),
        let decompress = dlsym(handle, "ZSTD_decompressStream"),
        let isError = dlsym(handle, "ZSTD_isError"),
        let errorName = dlsym(handle, "ZSTD_getErrorName"),
        let compress = dlsym(handle, "ZSTD_compress")
      else { return nil }
      createStream = unsafeBitCast(create, to: Create.self)
      freeStream = unsafeBitCast(free, to: Free.self)
      self.decompress = unsafeBitCast(decompress, to: Decompress.self)
      self.isError = unsafeBitCast(isError, to: IsError.self)
      self.errorName = unsafeBitCast(errorName, to: ErrorName.self)
      self.compress = unsafeBitCast(compress, to: Compress.self)
    }
  }
}
