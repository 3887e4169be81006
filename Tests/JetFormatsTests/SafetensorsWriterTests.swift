import Foundation
import JetFormats
import JetTestSupport
import Testing

@Suite("SafetensorsWriter")
struct SafetensorsWriterTests {
  private static func bytes(_ count: Int, seed: Int) -> Data {
    Data((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ seed) })
  }

  private static let plainTypes = ElementType.allCases.filter { !$0.isQuantized }

  @Test("What is written is read back: every type, scalars, empty tensors, odd names")
  func roundTrip() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("a.safetensors")
    var expected: [String: Data] = [:]
    var tensors: [TensorToWrite] = []
    let shapes: [[Int]] = [[], [0], [3], [2, 3], [1, 0, 4], [3, 1, 5]]
    for type in Self.plainTypes {
      for shape in shapes {
        let name = "\(type.rawValue)/ü\"\\\n\u{01}\(shape)"
        let count = shape.reduce(1, *) * type.blockByteCount
        let data = Self.bytes(count, seed: tensors.count)
        expected[name] = data
        tensors.append(TensorToWrite(name: name, elementType: type, shape: shape) { data })
      }
    }
    try SafetensorsWriter.write(tensors, to: url, metadata: ["format": "pt", "a\"b": "c\nd"])

    let file = try SafetensorsFile(url)
    #expect(file.metadata == ["format": "pt", "a\"b": "c\nd"])
    #expect(file.names == expected.keys.sorted())
    for tensor in tensors {
      let stored = try file.tensor(tensor.name)
      #expect(stored.entry.shape == tensor.shape)
      #expect(stored.entry.elementType == tensor.elementType)
      #expect(stored.withBytes { Data($0) } == expected[tensor.name])
      let isAligned = stored.entry.range.lowerBound.isMultiple(
        of: tensor.elementType.blockByteCount)
      #expect(isAligned)
    }
  }

  @Test("The same tensors give the same bytes")
  func deterministic() throws {
    let folder = try TemporaryFolder()
    let tensors = ["b", "a", "c"].map { name in
      TensorToWrite(name: name, elementType: .float32, shape: [2]) { Self.bytes(8, seed: 1) }
    }
    let urls = ["x", "y"].map { folder.url.appendingPathComponent($0) }
    for url in urls {
      try SafetensorsWriter.write(tensors, to: url, metadata: ["z": "1", "a": "2", "m": "3"])
    }
    #expect(try Data(contentsOf: urls[0]) == Data(contentsOf: urls[1]))
  }

  @Test("Tensors of one file can be copied into another piece by piece")
  func copying() throws {
    let folder = try TemporaryFolder()
    let source = try SafetensorsFile(folder.write(soundSafetensors))
    let url = folder.url.appendingPathComponent("copy")
    var tensors = try source.names.map { TensorToWrite(copying: try source.tensor($0)) }
    tensors.append(
      TensorToWrite(name: "pieces", elementType: .uint8, shape: [6]) { output in
        for piece in [[1], [2, 3], [4, 5, 6]] as [[UInt8]] { try output.write(piece) }
      })
    try SafetensorsWriter.write(tensors, to: url)
    let copy = try SafetensorsFile(url)
    #expect(try floats(of: copy.tensor("b")) == [1, 2, 3, 4, 5, -6])
    #expect(try copy.tensor("pieces").withBytes { Array($0) } == [1, 2, 3, 4, 5, 6])
  }

  @Test("What cannot be written is refused and the old file stays", arguments: [0, 1, 2, 3, 4, 5])
  func refused(index: Int) throws {
    func tensor(
      _ name: String = "a", _ type: ElementType = .uint8, _ shape: [Int] = [4], given: Int = 4
    ) -> TensorToWrite {
      TensorToWrite(name: name, elementType: type, shape: shape) { Data(count: given) }
    }
    let cases: [([TensorToWrite], FormatError.Fault)] = [
      ([tensor(given: 3)], .wrongByteCount), ([tensor(given: 5)], .wrongByteCount),
      ([tensor(), tensor()], .duplicateTensor), ([tensor("__metadata__")], .duplicateTensor),
      ([tensor("q", .q80, [32], given: 34)], .unsupportedElementType),
      ([tensor("a", .float32, [1 << 40, 1 << 40])], .sizeOverflow),
    ]
    let folder = try TemporaryFolder()
    let url = try folder.write(soundSafetensors, as: "model.safetensors")
    #expect(anyFault { try SafetensorsWriter.write(cases[index].0, to: url) } == cases[index].1)
    #expect(try SafetensorsFile(url).names == ["a", "b", "empty"])
    #expect(try folder.contents == ["model.safetensors"])
  }
}
