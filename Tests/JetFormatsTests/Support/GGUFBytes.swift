/// Puts GGUF files together byte by byte, faulty ones as well.
struct GGUFBytes {
  struct Tensor {
    var name = "a"
    var sizes: [UInt64] = [32]
    var type: UInt32 = 0
    var offset: UInt64 = 0
    var rank: UInt32?
  }

  var version: UInt32 = 3
  var keys: [[UInt8]] = []
  var tensors: [Tensor] = []
  var tensorCount: UInt64?
  var keyCount: UInt64?
  var alignment = 32
  var data: [UInt8] = []

  static func string(_ text: String) -> [UInt8] {
    littleEndian(UInt64(text.utf8.count)) + Array(text.utf8)
  }

  static func key(_ name: String, type: UInt32, _ value: [UInt8]) -> [UInt8] {
    string(name) + littleEndian(type) + value
  }

  static func array(type: UInt32, count: UInt64, _ elements: [UInt8]) -> [UInt8] {
    littleEndian(type) + littleEndian(count) + elements
  }

  var bytes: [UInt8] {
    var result = Array("GGUF".utf8) + littleEndian(version)
    result += littleEndian(tensorCount ?? UInt64(tensors.count))
    result += littleEndian(keyCount ?? UInt64(keys.count))
    result += keys.flatMap { $0 }
    for tensor in tensors {
      result += Self.string(tensor.name)
      result += littleEndian(tensor.rank ?? UInt32(tensor.sizes.count))
      result += tensor.sizes.flatMap { littleEndian($0) }
      result += littleEndian(tensor.type) + littleEndian(tensor.offset)
    }
    guard !data.isEmpty else { return result }
    while result.count % alignment != 0 { result.append(0) }
    return result + data
  }

  /// A sound file with a value of each type and a tensor of each element type.
  static var sound: GGUFBytes {
    var file = GGUFBytes()
    file.keys = [
      key("general.architecture", type: 8, string("llama")),
      key("u8", type: 0, [200]), key("i8", type: 1, littleEndian(Int8(-5))),
      key("u16", type: 2, littleEndian(UInt16(60_000))),
      key("i16", type: 3, littleEndian(Int16(-300))),
      key("u32", type: 4, littleEndian(UInt32(4_000_000_000))),
      key("i32", type: 5, littleEndian(Int32(-70_000))),
      key("f32", type: 6, rawBytes([Float(1.5)])), key("flag", type: 7, [1]),
      key("u64", type: 10, littleEndian(UInt64.max)),
      key("i64", type: 11, littleEndian(Int64(-5_000_000_000))),
      key("f64", type: 12, rawBytes([Double(2.25)])),
      key("tokens", type: 9, array(type: 8, count: 3, string("a") + string("") + string("ü"))),
      key("scores", type: 9, array(type: 6, count: 2, rawBytes([Float(0.5), -1]))),
      key("types", type: 9, array(type: 5, count: 2, rawBytes([Int32(1), -3]))),
      key("bytes", type: 9, array(type: 1, count: 2, [1, 255])),
      key("flags", type: 9, array(type: 7, count: 2, [0, 1])),
      key(
        "nested", type: 9,
        array(
          type: 9, count: 2,
          array(type: 0, count: 1, [7])
            + array(type: 8, count: 1, string("x")))),
    ]
    let types: [(UInt32, Int, Int)] = [
      (0, 1, 4), (1, 1, 2), (30, 1, 2), (2, 32, 18), (3, 32, 20), (6, 32, 22), (7, 32, 24),
      (8, 32, 34),
      (12, 256, 144), (13, 256, 176), (14, 256, 210), (26, 1, 4),
    ]
    for (code, block, size) in types {
      let columns = max(block, 8)
      file.tensors.append(
        Tensor(
          name: "t\(code)", sizes: [UInt64(columns), 2], type: code, offset: UInt64(file.data.count)
        ))
      let count = columns / block * size * 2
      file.data += (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ Int(code)) }
      while file.data.count % 32 != 0 { file.data.append(0) }
    }
    return file
  }
}
