import Foundation
import JetFormats
import JetTestSupport
import Testing

@Suite("MappedFile")
struct MappedFileTests {
  @Test("A mapped file gives its bytes, whole and in ranges")
  func bytes() throws {
    let folder = try TemporaryFolder()
    let contents = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
    let file = try MappedFile(folder.write(contents))
    #expect(file.size == contents.count)
    #expect(file.withBytes(in: 0..<file.size) { Array($0) } == contents)
    #expect(file.withBytes(in: 4095..<4099) { Array($0) } == Array(contents[4095..<4099]))
    #expect(file.withBytes(in: 10_000..<10_000) { $0.isEmpty })
  }

  @Test("Discarded and prefetched pages read the same afterwards")
  func discard() throws {
    let folder = try TemporaryFolder()
    let contents = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let file = try MappedFile(folder.write(contents))
    for range in [0..<20_000, 1..<19_999, 5..<6, 4096..<8192, 20_000..<20_000] {
      file.discard(range)
      file.prefetch(range)
      #expect(file.withBytes(in: 0..<file.size) { Array($0) } == contents)
    }
  }

  @Test("A discarded range leaves memory")
  func discardFreesMemory() throws {
    let folder = try TemporaryFolder()
    let size = 64 << 20
    let file = try MappedFile(folder.write([UInt8](repeating: 1, count: size)))
    let sum = file.withBytes(in: 0..<size) { $0.reduce(0) { $0 &+ Int($1) } }
    #expect(sum == size)
    let before = try mappedKilobytes(of: file.path)
    file.discard(0..<size)
    let after = try mappedKilobytes(of: file.path)
    #expect(before >= size >> 10)
    #expect(after == 0)
  }

  @Test("The file stays readable after its path is replaced")
  func replaced() throws {
    let folder = try TemporaryFolder()
    let url = try folder.write("old", as: "file")
    let file = try MappedFile(url)
    try AtomicFile.write(Data("newer".utf8), to: url)
    #expect(file.withBytes(in: 0..<3) { Array($0) } == Array("old".utf8))
  }

  @Test("What is not a regular file with contents is refused")
  func refused() throws {
    let folder = try TemporaryFolder()
    let empty = try folder.write([], as: "empty")
    let pipe = folder.url.appendingPathComponent("pipe")
    #expect(mkfifo(pipe.path, 0o600) == 0)
    let missing = folder.url.appendingPathComponent("missing")
    #expect(fault { () throws(FormatError) in try MappedFile(missing) } == .missingFile)
    #expect(fault { () throws(FormatError) in try MappedFile(folder.url) } == .notRegularFile)
    #expect(fault { () throws(FormatError) in try MappedFile(empty) } == .emptyFile)
    #expect(fault { () throws(FormatError) in try MappedFile(pipe) } == .notRegularFile)
    let device = URL(fileURLWithPath: "/dev/null")
    #expect(fault { () throws(FormatError) in try MappedFile(device) } == .notRegularFile)
  }

  @Test("A file without read permission is refused", .enabled(if: geteuid() != 0, "root reads all"))
  func unreadable() throws {
    let folder = try TemporaryFolder()
    let url = try folder.write("secret", as: "file")
    #expect(chmod(url.path, 0) == 0)
    #expect(fault { () throws(FormatError) in try MappedFile(url) } == .unreadableFile)
  }

  /// The resident size of the mapping of a file, from the system's list of mappings.
  private func mappedKilobytes(of path: String) throws -> Int {
    let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/smaps"))
    let maps = String(decoding: try handle.readToEnd() ?? Data(), as: UTF8.self)
    var isInside = false
    for line in maps.split(separator: "\n") {
      if line.hasSuffix(path) { isInside = true }
      if isInside, line.hasPrefix("Rss:") {
        return line.split(separator: " ").compactMap { Int($0) }.first ?? -1
      }
    }
    return -1
  }
}
