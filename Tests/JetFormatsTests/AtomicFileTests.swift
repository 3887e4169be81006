import Foundation
import JetTestSupport
import Testing

@testable import JetFormats

@Suite("AtomicFile")
struct AtomicFileTests {
  private struct Interruption: Error {}

  @Test("A file is written and replaced, and nothing else is left in the folder")
  func writes() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("config.json")
    try AtomicFile.write(Data("{}".utf8), to: url)
    try AtomicFile.write(to: url) { output in
      try output.write("first ")
      try output.write(Array("second".utf8))
      #expect(output.byteCount == 12)
    }
    #expect(try String(contentsOf: url, encoding: .utf8) == "first second")
    #expect(try folder.contents == ["config.json"])
  }

  @Test("An error half way leaves the old file and no temporary one")
  func interrupted() throws {
    let folder = try TemporaryFolder()
    let url = try folder.write("old", as: "file")
    #expect(throws: Interruption.self) {
      try AtomicFile.write(to: url) { output in
        try output.write("new and longer")
        throw Interruption()
      }
    }
    #expect(try String(contentsOf: url, encoding: .utf8) == "old")
    #expect(try folder.contents == ["file"])
  }

  @Test("A pipe is not replaced by a file")
  func pipes() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "pipe")
    #expect(mkfifo(url.path, 0o600) == 0)
    #expect {
      try AtomicFile.write(Data("x".utf8), to: url)
    } throws: {
      ($0 as? FormatError)?.fault == .notRegularFile
    }
    #expect(try folder.contents == ["pipe"])
  }

  @Test("A folder that does not exist or a path that is a folder is an error")
  func badTargets() throws {
    let folder = try TemporaryFolder()
    let inside = folder.url.appendingPathComponent("missing/file")
    #expect(anyFault { try AtomicFile.write(Data([1]), to: inside) } == .writeFailed)
    let occupied = folder.url.appendingPathComponent("occupied")
    try FileManager.default.createDirectory(at: occupied, withIntermediateDirectories: false)
    #expect(anyFault { try AtomicFile.write(Data([1]), to: occupied) } == .writeFailed)
    #expect(try folder.contents == ["occupied"])
  }

  @Test("A full device is one clear error")
  func fullDevice() throws {
    let descriptor = open("/dev/full", O_WRONLY | O_CLOEXEC)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let output = FileOutput(descriptor: descriptor, path: "weights")
    #expect(anyFault { try output.write([1, 2, 3]) } == .diskFull)
  }

  @Test("A limit on the size of files leaves the old checkpoint intact")
  func sizeLimit() async {
    // The limit holds for a whole process, so it is set in one of its own.
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      let url = folder.url.appendingPathComponent("model.safetensors")
      let small = TensorToWrite(name: "a", elementType: .uint8, shape: [4]) { Data([1, 2, 3, 4]) }
      try SafetensorsWriter.write([small], to: url)

      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 100_000, rlim_max: 100_000)
      precondition(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      let large = TensorToWrite(name: "b", elementType: .uint8, shape: [200_000]) {
        Data(count: 200_000)
      }
      precondition(anyFault { try SafetensorsWriter.write([large], to: url) } == .diskFull)
      let contents = try folder.contents
      let names = try SafetensorsFile(url).names
      precondition(contents == ["model.safetensors"] && names == ["a"])
    }
  }
}
