import JetFormats
import JetTestSupport
import Testing

@Suite("GGUFFile refuses")
struct GGUFHostileTests {
  struct Hostile: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let fault: FormatError.Fault
    let bytes: [UInt8]

    init(
      _ name: String, _ fault: FormatError.Fault, _ change: (inout GGUFBytes) -> Void
    ) {
      var file = GGUFBytes()
      file.tensors = [.init()]
      file.data = [UInt8](repeating: 0, count: 128)
      change(&file)
      testDescription = name
      self.fault = fault
      bytes = file.bytes
    }

    init(_ name: String, _ fault: FormatError.Fault, key type: UInt32, _ value: [UInt8]) {
      self.init(name, fault) { $0.keys = [GGUFBytes.key("k", type: type, value)] }
    }

    init(_ name: String, _ fault: FormatError.Fault, alignment type: UInt32, _ value: [UInt8]) {
      self.init(name, fault) { $0.keys = [GGUFBytes.key("general.alignment", type: type, value)] }
    }

    init(_ name: String, _ fault: FormatError.Fault, tensor: GGUFBytes.Tensor) {
      self.init(name, fault) { $0.tensors = [tensor] }
    }
  }

  private static func nested(_ depth: Int) -> [UInt8] {
    var value = GGUFBytes.array(type: 0, count: 1, [1])
    for _ in 1..<depth { value = GGUFBytes.array(type: 9, count: 1, value) }
    return value
  }

  private static func count4(_ count: UInt64) -> [UInt8] {
    GGUFBytes.array(type: 4, count: count, [])
  }

  static let structure: [Hostile] = [
    Hostile("version 1", .unsupportedVersion) { $0.version = 1 },
    Hostile("version 4", .unsupportedVersion) { $0.version = 4 },
    Hostile("a big-endian file", .unsupportedVersion) { $0.version = UInt32(3).byteSwapped },
    Hostile("2^64 - 1 tensors", .impossibleCount) { $0.tensorCount = .max },
    Hostile("2^63 tensors", .impossibleCount) { $0.tensorCount = 1 << 63 },
    Hostile("more tensors than bytes", .impossibleCount) { $0.tensorCount = 100 },
    Hostile("one tensor more than there is", .truncated) {
      $0.tensorCount = 2
      $0.data = []
      $0.tensors[0].name = String(repeating: "n", count: 64)
    },
    Hostile("2^64 - 1 keys (CVE-2024-23605)", .impossibleCount) { $0.keyCount = .max },
    Hostile("keys whose size wraps to few bytes", .impossibleCount) { $0.keyCount = (1 << 60) + 1 },
    Hostile("a key twice", .duplicateKey) {
      $0.keys = [GGUFBytes.key("k", type: 0, [1]), GGUFBytes.key("k", type: 0, [1])]
    },
    Hostile("a key without a name", .invalidName) { $0.keys = [GGUFBytes.key("", type: 0, [1])] },
    Hostile("a key of 70,000 bytes", .invalidName) {
      $0.keys = [GGUFBytes.key(String(repeating: "k", count: 70_000), type: 0, [1])]
    },
    Hostile("a key's length of 2^64 - 1", .truncated) {
      $0.keys = [littleEndian(UInt64.max) + [0, 0, 0, 0, 0, 0]]
    },
    Hostile("a key that is not UTF-8", .invalidText) {
      $0.keys = [littleEndian(UInt64(1)) + [0xFF] + littleEndian(UInt32(0)) + [1]]
    },
    Hostile("one part of a split model", .unsupportedFile) {
      $0.keys = [GGUFBytes.key("split.count", type: 2, littleEndian(UInt16(3)))]
    },
    Hostile("a split count that is text", .wrongValueType) {
      $0.keys = [GGUFBytes.key("split.count", type: 8, GGUFBytes.string("3"))]
    },
  ]

  static let values: [Hostile] = [
    Hostile("an unknown value type", .invalidMetadata, key: 13, [1]),
    Hostile("a bool of 2", .invalidMetadata, key: 7, [2]),
    Hostile("a string of 2^63 bytes", .truncated, key: 8, littleEndian(UInt64(1) << 63)),
    Hostile(
      "a string that is not UTF-8", .invalidText, key: 8, littleEndian(UInt64(2)) + [0xC3, 0x28]),
    Hostile(
      "an array of an unknown type", .invalidMetadata, key: 9,
      GGUFBytes.array(type: 99, count: 1, [1])),
    Hostile("an array of 2^64 - 1 integers", .impossibleCount, key: 9, count4(.max)),
    Hostile("an array whose size wraps to 0", .impossibleCount, key: 9, count4(1 << 62)),
    Hostile(
      "an array of 2^40 empty strings", .impossibleCount, key: 9,
      GGUFBytes.array(type: 8, count: 1 << 40, [])),
    Hostile(
      "an array of 2^61 arrays", .impossibleCount, key: 9,
      GGUFBytes.array(type: 9, count: 1 << 61, [])),
    Hostile(
      "an array's string past the end", .truncated, key: 9,
      GGUFBytes.array(type: 8, count: 1, littleEndian(UInt64.max - 7))),
    Hostile("arrays five deep", .nestingTooDeep, key: 9, nested(5)),
    Hostile("arrays ten thousand deep", .nestingTooDeep, key: 9, nested(10_000)),
    Hostile("alignment 0", .invalidAlignment, alignment: 4, littleEndian(UInt32(0))),
    Hostile("alignment 3", .invalidAlignment, alignment: 4, littleEndian(UInt32(3))),
    Hostile("alignment 2^31", .invalidAlignment, alignment: 4, littleEndian(UInt32(1) << 31)),
    Hostile("alignment 2^17", .invalidAlignment, alignment: 4, littleEndian(UInt32(1) << 17)),
    Hostile("alignment as uint64", .invalidAlignment, alignment: 10, littleEndian(UInt64(32))),
    Hostile("alignment as text", .invalidAlignment, alignment: 8, GGUFBytes.string("32")),
  ]

  static let tensors: [Hostile] = [
    Hostile("no dimensions", .invalidShape, tensor: .init(sizes: [])),
    Hostile("five dimensions", .invalidShape, tensor: .init(sizes: [1, 1, 1, 1, 1])),
    Hostile("2^32 - 1 dimensions", .invalidShape, tensor: .init(rank: .max)),
    Hostile("a dimension of 0", .invalidShape, tensor: .init(sizes: [32, 0])),
    Hostile("a dimension of 2^63", .invalidShape, tensor: .init(sizes: [1 << 63])),
    Hostile("a product that overflows", .sizeOverflow, tensor: .init(sizes: [1 << 32, 1 << 32])),
    Hostile(
      "a product that wraps to 0", .sizeOverflow,
      tensor: .init(sizes: [1 << 16, 1 << 16, 1 << 16, 1 << 16])),
    Hostile("bytes that overflow (CVE-2026-33298)", .sizeOverflow, tensor: .init(sizes: [1 << 62])),
    Hostile("a row of half a block", .partialBlock, tensor: .init(sizes: [16, 2], type: 2)),
    Hostile("a row of half a K block", .partialBlock, tensor: .init(sizes: [128, 2], type: 12)),
    Hostile("a type that Jet does not read", .unsupportedElementType, tensor: .init(type: 17)),
    Hostile("a type that nobody knows", .unknownElementType, tensor: .init(type: 1000)),
    Hostile("type 2^32 - 1", .unknownElementType, tensor: .init(type: .max)),
    Hostile(
      "an offset that is not aligned", .misalignedOffset, tensor: .init(sizes: [1], offset: 4)),
    Hostile("an offset past the end", .outOfBounds, tensor: .init(offset: 1 << 20)),
    Hostile("an offset near 2^64", .outOfBounds, tensor: .init(offset: UInt64.max - 31)),
    Hostile("an offset near 2^63", .outOfBounds, tensor: .init(offset: (1 << 63) - 32)),
    Hostile(
      "more bytes than the file (CVE-2026-7482)", .outOfBounds, tensor: .init(sizes: [1 << 20])),
    Hostile(
      "bytes that begin in and end past the file", .outOfBounds,
      tensor: .init(sizes: [32], offset: 32)),
    Hostile(
      "a name of 65 bytes", .invalidName,
      tensor: .init(name: String(repeating: "n", count: 65))),
    Hostile("a tensor without a name", .invalidName, tensor: .init(name: "")),
    Hostile("the same tensor twice", .duplicateTensor) {
      $0.tensors = [.init(sizes: [8]), .init(sizes: [8], offset: 32)]
    },
    Hostile("the same bytes twice", .overlap) {
      $0.tensors = [.init(name: "a"), .init(name: "b")]
    },
    Hostile("overlapping tensors", .overlap) {
      $0.tensors = [.init(name: "b", sizes: [8], offset: 64), .init(name: "a", sizes: [17])]
    },
    Hostile("no data at all", .outOfBounds) { $0.data = [] },
  ]

  @Test("each hostile file for its own reason", arguments: structure + values + tensors)
  func refused(_ hostile: Hostile) throws {
    let folder = try TemporaryFolder()
    let url = try folder.write(hostile.bytes)
    #expect(fault { () throws(FormatError) in try GGUFFile(url) } == hostile.fault)
  }

  @Test("a file of another kind")
  func wrongMagic() throws {
    let folder = try TemporaryFolder()
    let url = try folder.write(soundSafetensors)
    #expect(fault { () throws(FormatError) in try GGUFFile(url) } == .wrongMagic)
  }

  @Test("an unsupported type by its name, with advice")
  func unsupportedType() throws {
    let folder = try TemporaryFolder()
    let url = try folder.write(GGUFBytes(tensors: [.init(sizes: [256], type: 17)]).bytes)
    do {
      _ = try GGUFFile(url)
      Issue.record("IQ2_XS was read")
    } catch {
      #expect(error.description.contains("stored as IQ2_XS, which Jet does not read"))
      #expect(error.description.contains("convert the model to"))
    }
  }
}
