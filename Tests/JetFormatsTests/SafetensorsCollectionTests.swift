import Foundation
import JetFormats
import JetTestSupport
import Testing

@Suite("SafetensorsCollection")
struct SafetensorsCollectionTests {
  private func tensors(_ count: Int) -> [TensorToWrite] {
    (0..<count).map { index in
      TensorToWrite(name: "layer.\(index)", elementType: .float32, shape: [4]) {
        Data(rawBytes((0..<4).map { Float($0 + index * 10) }))
      }
    }
  }

  /// A file of one float32 for each name.
  private func shard(_ names: [String]) -> [UInt8] {
    let fields = names.enumerated().map { index, name in
      #""\#(name)":{"dtype":"F32","shape":[1],"data_offsets":[\#(index * 4),\#(index * 4 + 4)]}"#
    }
    return safetensorsBytes(
      "{\(fields.joined(separator: ","))}", data: [UInt8](repeating: 0, count: names.count * 4))
  }

  @Test("A model in several files is read as one", arguments: [16, 32, 40, 48, 1])
  func sharded(maximumBytes: Int) throws {
    let folder = try TemporaryFolder()
    try SafetensorsWriter.write(tensors(7), toFolder: folder.url, maximumShardBytes: maximumBytes)
    let model = try SafetensorsCollection(folder: folder.url)
    let perFile = max(1, maximumBytes / 16)
    #expect(model.files.count == (7 + perFile - 1) / perFile)
    #expect(model.names == (0..<7).map { "layer.\($0)" })
    for index in 0..<7 {
      let values = try floats(of: model.tensor("layer.\(index)"))
      #expect(values == (0..<4).map { Float($0 + index * 10) })
    }
    #expect(model["layer.7"] == nil)
  }

  @Test("A small model is one file without an index and may be replaced")
  func single() throws {
    let folder = try TemporaryFolder()
    for count in [3, 2] {
      try SafetensorsWriter.write(tensors(count), toFolder: folder.url)
      #expect(try folder.contents == ["model.safetensors"])
      #expect(try SafetensorsCollection(folder: folder.url).names.count == count)
    }
  }

  @Test("Several files are not written over a model, nor one file beside an index")
  func occupied() throws {
    let folder = try TemporaryFolder()
    try SafetensorsWriter.write(tensors(2), toFolder: folder.url)
    #expect(
      anyFault {
        try SafetensorsWriter.write(tensors(3), toFolder: folder.url, maximumShardBytes: 16)
      } == .ambiguousFolder)
    let other = try TemporaryFolder()
    try SafetensorsWriter.write(tensors(3), toFolder: other.url, maximumShardBytes: 16)
    #expect(
      anyFault { try SafetensorsWriter.write(tensors(2), toFolder: other.url) } == .ambiguousFolder)
    #expect(try SafetensorsCollection(folder: other.url).names.count == 3)
  }

  @Test("A folder without weights, one that is missing and one with both forms are refused")
  func folders() throws {
    let folder = try TemporaryFolder()
    let open = { (url: URL) in
      fault { () throws(FormatError) in try SafetensorsCollection(folder: url) }
    }
    #expect(open(folder.url) == .missingFile)
    #expect(open(folder.url.appendingPathComponent("missing")) == .missingFile)
    _ = try folder.write(shard(["a"]), as: "model.safetensors")
    _ = try folder.write(#"{"weight_map":{}}"#, as: "model.safetensors.index.json")
    #expect(open(folder.url) == .ambiguousFolder)
  }

  struct Hostile: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let index: String
    let fault: FormatError.Fault?
  }

  static let hostile: [Hostile] =
    [
      ("a sound index", #"{"metadata":{"total_size":12,"x":[1.5,null]},"weight_map":$}"#, nil),
      ("no map", #"{"metadata":{}}"#, .missingKey),
      ("an empty map", #"{"weight_map":{}}"#, .missingKey),
      ("two maps", #"{"weight_map":$,"weight_map":$}"#, .duplicateKey),
      ("a map that is a list", #"{"weight_map":[]}"#, .invalidHeader),
      ("text after the end", #"{"weight_map":$}}"#, .invalidHeader),
      ("not JSON", "model", .invalidHeader),
      ("a shard that is missing", #"{"weight_map":{"a":"1","b":"1","c":"3"}}"#, .missingFile),
      (
        "a tensor not in its shard", #"{"weight_map":{"a":"1","b":"1","c":"2","d":"2"}}"#,
        .tensorNotInShard
      ),
      ("a tensor not listed", #"{"weight_map":{"a":"1","c":"2"}}"#, .tensorNotInIndex),
      ("a tensor of another shard", #"{"weight_map":{"a":"1","b":"2","c":"2"}}"#, .duplicateTensor),
      (
        "a tensor listed twice", #"{"weight_map":{"a":"1","a":"1","b":"1","c":"2"}}"#,
        .duplicateTensor
      ),
    ].map { Hostile(testDescription: $0.0, index: $0.1, fault: $0.2) }
    + ["../1", "/etc/passwd", "..", ".", "", "sub/1", "a\\\\b", "a\\u0000b"].map { name in
      Hostile(
        testDescription: "a shard called '\(name)'", index: #"{"weight_map":{"a":"\#(name)"}}"#,
        fault: .invalidShardName)
    }

  @Test("An index is believed only if it and the files agree", arguments: hostile)
  func indices(_ hostile: Hostile) throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(shard(["a", "b"]), as: "1")
    _ = try folder.write(shard(["c"]), as: "2")
    let index = hostile.index.replacingOccurrences(of: "$", with: #"{"a":"1","b":"1","c":"2"}"#)
    _ = try folder.write(index, as: "model.safetensors.index.json")
    let found = fault { () throws(FormatError) in try SafetensorsCollection(folder: folder.url) }
    #expect(found == hostile.fault)
  }

  @Test("A tensor in two files is refused")
  func twice() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(shard(["a", "b"]), as: "1")
    _ = try folder.write(shard(["b", "c"]), as: "2")
    _ = try folder.write(
      #"{"weight_map":{"a":"1","b":"1","c":"2"}}"#, as: "model.safetensors.index.json")
    let found = fault { () throws(FormatError) in try SafetensorsCollection(folder: folder.url) }
    #expect(found == .duplicateTensor)
  }
}
