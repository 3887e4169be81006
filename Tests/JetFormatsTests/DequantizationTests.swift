import Foundation
import JetTestSupport
import Testing

@testable import JetFormats

@Suite("Dequantization")
struct DequantizationTests {
  private struct Fixture: Decodable {
    let blocks: Data
    let float32: Data
    let bfloat16: Data
  }

  private static func fixtures() throws -> [String: Fixture] {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../Fixtures/quant_blocks.json")
    return try JSONDecoder().decode([String: Fixture].self, from: Data(contentsOf: url))
  }

  private static let readable = ElementType.allCases.filter(\.isReadableAsFloat)

  @Test("Every type gives ggml's values bit for bit, from any address", arguments: readable)
  func values(type: ElementType) throws {
    let fixture = try #require(try Self.fixtures()[type.rawValue])
    let count = fixture.float32.count / 4
    let expected = fixture.float32.withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) }
    let expectedHalf = fixture.bfloat16.withUnsafeBytes { Array($0.bindMemory(to: UInt16.self)) }
    for shift in 0..<2 {
      let shifted = [UInt8](repeating: 0, count: shift) + Array(fixture.blocks)
      var values = [Float](repeating: .nan, count: count)
      var half = [UInt16](repeating: 0x7FC0, count: count)
      shifted.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        values.withUnsafeMutableBufferPointer { output in
          guard let target = output.baseAddress else { return }
          dequantize(type, base + shift, count: count, into: target)
        }
        half.withUnsafeMutableBufferPointer { output in
          guard let target = output.baseAddress else { return }
          dequantize(type, base + shift, count: count, intoBFloat16: target)
        }
      }
      #expect(values.map(\.bitPattern) == expected)
      #expect(half == expectedHalf)
    }
  }

  @Test("Rows of a tensor are the same as the tensor's rows", arguments: readable)
  func rows(type: ElementType) throws {
    let folder = try TemporaryFolder()
    let file = try GGUFFile(folder.write(GGUFBytes.sound.bytes))
    let tensor = try #require(file.tensors.first { $0.entry.elementType == type })
    let whole = try floats(of: tensor).map(\.bitPattern)
    let half = try bfloat16Bits(of: tensor)
    let columns = tensor.entry.columnCount
    for rows in [0..<1, 1..<2, 0..<2, 1..<1] {
      let range = rows.lowerBound * columns..<rows.upperBound * columns
      #expect(try floats(of: tensor, rows: rows).map(\.bitPattern) == Array(whole[range]))
      #expect(try bfloat16Bits(of: tensor, rows: rows) == Array(half[range]))
    }
  }

  @Test("All 65,536 float16 values are read as the compiler reads them")
  func allFloat16() {
    for bits in UInt16.min...UInt16.max {
      let expected = definition(ofFloat16Bits: bits)
      let value = float32(fromFloat16Bits: bits)
      let isSame = value.bitPattern == expected.bitPattern || value.isNaN && expected.isNaN
      #expect(isSame, "bits \(bits)")
      if !isSame { return }
    }
  }

  @Test("bfloat16 rounds to nearest even and keeps NaN and infinity")
  func rounding() {
    let cases: [(UInt32, UInt16)] = [
      (0x3F80_0000, 0x3F80), (0x3F80_7FFF, 0x3F80), (0x3F80_8000, 0x3F80), (0x3F80_8001, 0x3F81),
      (0x3F81_8000, 0x3F82), (0xBF81_8000, 0xBF82), (0x7F7F_FFFF, 0x7F80), (0x7F80_0000, 0x7F80),
      (0xFF80_0000, 0xFF80), (0x0000_0001, 0x0000), (0x8000_0000, 0x8000), (0x0000_8001, 0x0001),
      (0x7F80_0001, 0x7FC0), (0xFFFF_FFFF, 0xFFFF), (0x7FC0_0000, 0x7FC0),
    ]
    for (bits, expected) in cases {
      #expect(JetFormats.bfloat16Bits(from: Float(bitPattern: bits)) == expected)
    }
  }

  @Test("Reading more than one internal piece gives what one piece gives")
  func pieces() {
    let count = 5000
    let source = (0..<count).map { Float($0) * 1.001 }
    var half = [UInt16](repeating: 0, count: count)
    source.withUnsafeBytes { bytes in
      half.withUnsafeMutableBufferPointer { output in
        guard let base = bytes.baseAddress, let target = output.baseAddress else { return }
        dequantize(.float32, base, count: count, intoBFloat16: target)
      }
    }
    #expect(half == source.map { JetFormats.bfloat16Bits(from: $0) })
  }

  /// `(−1)^s · 2^(e−15) · (1 + f / 1024)`, or `(−1)^s · 2^−14 · f / 1024` for e = 0.
  private func definition(ofFloat16Bits bits: UInt16) -> Float {
    let fraction = Double(bits & 0x3FF) / 1024
    let exponent = Int(bits >> 10 & 31)
    let sign: Double = bits & 0x8000 == 0 ? 1 : -1
    if exponent == 31 { return fraction == 0 ? Float(sign * .infinity) : .nan }
    let magnitude = exponent == 0 ? fraction / 16384 : (1 + fraction) * exp2(Double(exponent - 15))
    return Float(sign * magnitude)
  }
}
