import Foundation
import JetFormats
import JetTestSupport
import Testing

@Suite("GGUFFile")
struct GGUFFileTests {
  private func open(_ bytes: [UInt8]) throws -> GGUFFile {
    let folder = try TemporaryFolder()
    return try GGUFFile(folder.write(bytes, as: "model.gguf"))
  }

  @Test("Both versions of a sound file give every type of value", arguments: [2, 3] as [UInt32])
  func metadata(version: UInt32) throws {
    var contents = GGUFBytes.sound
    contents.version = version
    let file = try open(contents.bytes)
    #expect(file.version == Int(version))
    #expect(try file.string("general.architecture") == "llama")
    #expect(try file.integer("u8") == 200)
    #expect(try file.integer("i8") == -5)
    #expect(try file.integer("u16") == 60_000)
    #expect(try file.integer("i16") == -300)
    #expect(try file.integer("u32") == 4_000_000_000)
    #expect(try file.integer("i32") == -70_000)
    #expect(try file.integer("i64") == -5_000_000_000)
    #expect(try file.double("f32") == 1.5)
    #expect(try file.double("f64") == 2.25)
    #expect(try file.bool("flag"))
    #expect(try file.strings("tokens") == ["a", "", "ü"])
    #expect(try file.floats("scores") == [0.5, -1])
    #expect(try file.integers("types") == [1, -3])
    #expect(try file.integers("bytes") == [1, -1])
    #expect(file.metadata["u64"] == .uint64(.max))
    #expect(file.metadata["flags"] == .array(.bool([false, true])))
    #expect(file.metadata["nested"] == .array(.array([.uint8([7]), .string(["x"])])))
  }

  @Test("A key of another type is an error that names key, expected and found type")
  func wrongTypes() throws {
    let file = try open(GGUFBytes.sound.bytes)
    #expect(fault { () throws(FormatError) in try file.integer("none") } == .missingKey)
    #expect(fault { () throws(FormatError) in try file.integer("u64") } == .valueOutOfRange)
    #expect(fault { () throws(FormatError) in try file.integer("f32") } == .wrongValueType)
    #expect(fault { () throws(FormatError) in try file.double("u8") } == .wrongValueType)
    #expect(fault { () throws(FormatError) in try file.bool("u8") } == .wrongValueType)
    #expect(fault { () throws(FormatError) in try file.strings("scores") } == .wrongValueType)
    #expect(fault { () throws(FormatError) in try file.integers("tokens") } == .wrongValueType)
    do {
      _ = try file.floats("bytes")
      Issue.record("scores stored as int8 were read as floats")
    } catch {
      #expect(error.fault == .wrongValueType)
      #expect(error.problem.contains("'bytes' should be of type array of float32"))
      #expect(error.problem.contains("array of int8"))
    }
  }

  @Test("Shapes are the reverse of the file's, and names keep the file's order")
  func tensors() throws {
    var contents = GGUFBytes(data: [UInt8](repeating: 0, count: 256))
    contents.tensors = [
      .init(name: "z", sizes: [4, 3, 2], offset: 0), .init(name: "a", sizes: [8], offset: 96),
    ]
    let file = try open(contents.bytes)
    #expect(file.tensors.map(\.entry.name) == ["z", "a"])
    #expect(file.names == ["a", "z"])
    #expect(try file.tensor("z").entry.shape == [2, 3, 4])
    #expect(try file.tensor("z").entry.rowCount == 6)
    #expect(file["b"] == nil)
  }

  @Test("Another alignment moves the data")
  func alignment() throws {
    var contents = GGUFBytes(alignment: 256, data: rawBytes([Float(3), 4]))
    contents.keys = [GGUFBytes.key("general.alignment", type: 4, littleEndian(UInt32(256)))]
    contents.tensors = [.init(sizes: [2])]
    let tensor = try open(contents.bytes).tensor("a")
    #expect(tensor.entry.range.lowerBound == 256)
    #expect(try floats(of: tensor) == [3, 4])
  }

  @Test("A file cut at any byte of its header is refused as incomplete")
  func truncated() throws {
    let folder = try TemporaryFolder()
    let sound = GGUFBytes.sound.bytes
    let header = GGUFBytes.sound.bytes.count - GGUFBytes.sound.data.count
    let allowed: Set<FormatError.Fault> = [.truncated, .impossibleCount, .outOfBounds]
    let lengths = Array(1..<header) + Array(stride(from: header, to: sound.count - 32, by: 97))
    for length in lengths {
      let url = try folder.write(Array(sound[..<length]))
      let found = try #require(fault { () throws(FormatError) in try GGUFFile(url) })
      #expect(allowed.contains(found), "cut to \(length) bytes: \(found)")
    }
  }
}
