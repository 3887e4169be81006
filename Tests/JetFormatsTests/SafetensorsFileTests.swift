import Foundation
import JetFormats
import JetTestSupport
import Testing

@Suite("SafetensorsFile")
struct SafetensorsFileTests {
  @Test("A sound file gives its names, metadata, shapes and values")
  func sound() throws {
    let folder = try TemporaryFolder()
    let file = try SafetensorsFile(folder.write(soundSafetensors))
    #expect(file.names == ["a", "b", "empty"])
    #expect(file.metadata == ["format": "pt", "note": "line\nend ü 😀"])
    let b = try file.tensor("b")
    #expect(b.entry.shape == [2, 3])
    #expect(b.entry.elementType == .float32)
    #expect(try floats(of: b) == [1, 2, 3, 4, 5, -6])
    #expect(try floats(of: b, rows: 1..<2) == [4, 5, -6])
    #expect(try bfloat16Bits(of: file.tensor("a")) == [0x3F80, 0xC000])
    #expect(try file.tensor("empty").entry.elementCount == 0)
  }

  @Test("A missing tensor is an error that names similar ones")
  func missing() throws {
    let folder = try TemporaryFolder()
    let file = try SafetensorsFile(folder.write(soundSafetensors))
    #expect(file["c"] == nil)
    do {
      _ = try file.tensor("layer.b")
      Issue.record("a missing tensor was found")
    } catch {
      #expect(error.fault == .missingTensor)
      #expect(error.description.contains("'layer.b'"))
    }
  }

  @Test("Integers are not read as weights, and empty shapes of absurd size are harmless")
  func otherTypes() throws {
    let folder = try TemporaryFolder()
    let header =
      #"{"i":{"dtype":"I32","shape":[1],"data_offsets":[0,4]},"#
      + #""z":{"dtype":"F32","shape":[0,4611686018427387904],"data_offsets":[4,4]},"#
      + #""y":{"dtype":"F32","shape":[4611686018427387904,0],"data_offsets":[4,4]}}"#
    let file = try SafetensorsFile(folder.write(safetensorsBytes(header, data: [0, 0, 0, 0])))
    let integers = try file.tensor("i")
    #expect(anyFault { try floats(of: integers) } == .unsupportedElementType)
    #expect(try floats(of: file.tensor("z")).isEmpty)
    #expect(try bfloat16Bits(of: file.tensor("y")).isEmpty)
  }

  @Test("A file without tensors is sound")
  func noTensors() throws {
    let folder = try TemporaryFolder()
    #expect(try SafetensorsFile(folder.write(safetensorsBytes("{}"))).names.isEmpty)
  }

  @Test("A file cut at any byte is refused")
  func truncated() throws {
    let folder = try TemporaryFolder()
    for length in 0..<soundSafetensors.count {
      let url = try folder.write(Array(soundSafetensors[..<length]))
      let found = fault { () throws(FormatError) in try SafetensorsFile(url) }
      #expect(found == (length == 0 ? .emptyFile : .truncated), "cut to \(length) bytes")
    }
  }

  /// A tensor's header with one field changed.
  private static func tensor(
    dtype: String = #""F32""#, shape: String = "[1]", offsets: String = "[0,4]"
  ) -> String {
    #"{"dtype":\#(dtype),"shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  private static func one(_ tensor: String) -> String { #"{"a":\#(tensor)}"# }

  private static func two(_ first: String, _ second: String) -> String {
    #"{"a":\#(tensor(offsets: first)),"b":\#(tensor(offsets: second))}"#
  }

  struct Hostile: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let fault: FormatError.Fault
    let bytes: [UInt8]

    init(
      _ name: String, _ fault: FormatError.Fault, _ header: String, data: Int = 4,
      length: UInt64? = nil
    ) {
      testDescription = name
      self.fault = fault
      bytes = safetensorsBytes(header, data: [UInt8](repeating: 0, count: data), length: length)
    }
  }

  static let hostile: [Hostile] = [
    Hostile("length near 2^63", .headerTooLarge, "{}", length: UInt64(Int.max)),
    Hostile("length 2^64 - 1", .headerTooLarge, "{}", length: .max),
    Hostile("length just above the limit", .headerTooLarge, "{}", length: 100_000_001),
    Hostile("length above the file", .truncated, "{}", length: 100_000_000),
    Hostile("length 0", .invalidHeader, "{}", length: 0),
    Hostile("space before the brace", .invalidHeader, " {}", data: 0),
    Hostile("an array", .invalidHeader, "[]", data: 0),
    Hostile("no end of the object", .invalidHeader, "{", data: 0),
    Hostile("text after the object", .invalidHeader, "{} x", data: 0),
    Hostile("a comma too many", .invalidHeader, "{\"a\":\(tensor()),}"),
    Hostile("a tensor that is a number", .invalidHeader, one("1")),
    Hostile("a tensor that is null", .invalidHeader, one("null")),
    Hostile("no dtype", .missingKey, one(#"{"shape":[1],"data_offsets":[0,4]}"#)),
    Hostile("no shape", .missingKey, one(#"{"dtype":"F32","data_offsets":[0,4]}"#)),
    Hostile("no offsets", .missingKey, one(#"{"dtype":"F32","shape":[1]}"#)),
    Hostile("the same tensor twice", .duplicateTensor, "{\"a\":\(tensor()),\"a\":\(tensor())}"),
    Hostile(
      "the same tensor twice, once escaped", .duplicateTensor,
      "{\"a\":\(tensor()),\"\\u0061\":\(tensor())}"),
    Hostile(
      "a field twice", .duplicateKey,
      one(#"{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}"#)),
    Hostile("metadata twice", .duplicateKey, #"{"__metadata__":{},"__metadata__":{}}"#, data: 0),
    Hostile("a metadata key twice", .duplicateKey, #"{"__metadata__":{"k":"1","k":"2"}}"#, data: 0),
    Hostile("a number in metadata", .invalidMetadata, #"{"__metadata__":{"k":1}}"#, data: 0),
    Hostile("an object in metadata", .invalidMetadata, #"{"__metadata__":{"k":{}}}"#, data: 0),
    Hostile("metadata that is a list", .invalidHeader, #"{"__metadata__":[]}"#, data: 0),
    Hostile("an unknown dtype", .unknownElementType, one(tensor(dtype: #""F31""#))),
    Hostile("a quantized dtype", .unknownElementType, one(tensor(dtype: #""Q8_0""#))),
    Hostile("a dtype that is a number", .invalidHeader, one(tensor(dtype: "1"))),
    Hostile("a negative size", .invalidHeader, one(tensor(shape: "[-1]"))),
    Hostile("a fractional size", .invalidHeader, one(tensor(shape: "[1.0]"))),
    Hostile("a size of 2^64", .sizeOverflow, one(tensor(shape: "[18446744073709551616]"))),
    Hostile(
      "a product that overflows", .sizeOverflow, one(tensor(shape: "[4294967296,4294967296]"))),
    Hostile(
      "a product that overflows before a zero", .sizeOverflow,
      one(tensor(shape: "[4294967296,4294967296,0]"))),
    Hostile(
      "a product that wraps to 1 element", .sizeOverflow,
      one(tensor(shape: "[3,6148914691236517206]"))),
    Hostile("bytes that overflow", .sizeOverflow, one(tensor(shape: "[2305843009213693952]"))),
    Hostile("end before begin", .invalidOffsets, one(tensor(offsets: "[4,0]"))),
    Hostile("one offset", .invalidOffsets, one(tensor(offsets: "[4]"))),
    Hostile("three offsets", .invalidOffsets, one(tensor(offsets: "[0,4,4]"))),
    Hostile("no offset", .invalidOffsets, one(tensor(offsets: "[]"))),
    Hostile("a negative offset", .invalidHeader, one(tensor(offsets: "[-4,0]"))),
    Hostile("fewer bytes than the shape", .sizeMismatch, one(tensor(shape: "[2]"))),
    Hostile("more bytes than the shape", .sizeMismatch, one(tensor(offsets: "[0,8]")), data: 8),
    Hostile("another width than the shape", .sizeMismatch, one(tensor(dtype: #""F64""#))),
    Hostile("past the end of the file", .truncated, one(tensor(shape: "[2]", offsets: "[0,8]"))),
    Hostile("a hole before the first tensor", .hole, one(tensor(offsets: "[4,8]")), data: 8),
    Hostile("a hole between tensors", .hole, two("[0,4]", "[8,12]"), data: 12),
    Hostile(
      "a hole near 2^63", .hole,
      one(tensor(offsets: "[9223372036854775803,9223372036854775807]"))),
    Hostile("overlapping tensors", .overlap, two("[0,4]", "[2,6]"), data: 6),
    Hostile("the same bytes twice", .overlap, two("[0,4]", "[0,4]")),
    Hostile("bytes after the last tensor", .trailingBytes, one(tensor()), data: 5),
    Hostile("bytes without tensors", .trailingBytes, "{}", data: 1),
    Hostile(
      "deep nesting in an unknown field", .nestingTooDeep,
      one(#"{"x":"# + String(repeating: "[", count: 100_000) + "}")),
  ]

  @Test("Each hostile file is refused for its own reason", arguments: hostile)
  func refused(_ hostile: Hostile) throws {
    let folder = try TemporaryFolder()
    let url = try folder.write(hostile.bytes)
    #expect(fault { () throws(FormatError) in try SafetensorsFile(url) } == hostile.fault)
  }

  @Test("A header that is not UTF-8 is refused")
  func invalidText() throws {
    let folder = try TemporaryFolder()
    let text: [UInt8] = Array("{\"".utf8) + [0xFF] + Array("\":{}}".utf8)
    let url = try folder.write(littleEndian(UInt64(text.count)) + text)
    #expect(fault { () throws(FormatError) in try SafetensorsFile(url) } == .invalidText)
  }

  @Test("A header of 100,000 tensors opens in seconds even in a debug build")
  func manyTensors() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("many")
    try SafetensorsWriter.write(
      (0..<100_000).map { index in
        TensorToWrite(name: "model.layers.\(index).weight", elementType: .uint8, shape: [1]) {
          Data([UInt8(truncatingIfNeeded: index)])
        }
      }, to: url)
    let clock = ContinuousClock()
    var count = 0
    let time = try clock.measure { count = try SafetensorsFile(url).names.count }
    #expect(count == 100_000)
    #expect(time < .seconds(10))
  }
}
