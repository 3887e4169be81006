import Foundation
import JetTestSupport
import Testing

@testable import jet

struct PlaceTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func `places that cannot be written are refused before the work`() throws {
    let file = folder.url.appending(path: "out.json").path
    try OutputPlace.expect(file, of: "--output")
    _ = try folder.write("old", to: "out.json")
    try OutputPlace.expect(file, of: "--output")
    for place in ["", folder.url.path, file + "/", file + "/x", "/dev/full", "/nowhere/x"] {
      #expect(throws: CommandError.self, "\(place)") {
        try OutputPlace.expect(place, of: "--output")
      }
    }
  }

  @Test func `files and pipes are read whole, without a mark of the byte order`() throws {
    let path = try folder.write("\u{FEFF}{\"a\": 1}\n", to: "mark.json")
    #expect(try InputFile.bytes(path) == Data("{\"a\": 1}\n".utf8))
    let long = String(repeating: "0123456789", count: 30_000)
    #expect(try InputFile.bytes(try folder.write(long, to: "long")) == Data(long.utf8))
    let pipe = Pipe()
    try pipe.fileHandleForWriting.write(contentsOf: Data("piped".utf8))
    try pipe.fileHandleForWriting.close()
    let descriptor = pipe.fileHandleForReading.fileDescriptor
    #expect(try InputFile.bytes("/dev/fd/\(descriptor)") == Data("piped".utf8))
  }

  @Test func `what cannot be read is named with the reason`() throws {
    #expect(
      throws: CommandError(
        "Reading \(folder.url.path) failed (Is a directory); give a file that exists, or - for standard input."
      )
    ) { try InputFile.bytes(folder.url.path) }
    #expect(throws: CommandError.self) { try InputFile.bytes("/nowhere/x") }
  }
}
