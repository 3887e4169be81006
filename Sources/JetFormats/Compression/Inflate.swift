/// One stream of DEFLATE: literals and copies of what came before, in codes of Huffman.
///
/// - Source: RFC 1951.
struct Inflate {
  /// The next byte that is not used.
  private(set) var position: Int
  private let bytes: UnsafeRawBufferPointer
  private let limit: Int
  private var bits: UInt64 = 0
  private var bitCount = 0

  init(_ bytes: UnsafeRawBufferPointer, from start: Int, limit: Int) {
    self.bytes = bytes
    self.limit = limit
    position = start
  }

  /// Appends all blocks to `output`; afterwards ``position`` is behind the stream.
  mutating func run(into output: inout [UInt8]) throws(Gzip.Fault) {
    let start = output.count
    var isLast = false
    while !isLast {
      isLast = try take(1) == 1
      switch try take(2) {
      case 0: try stored(into: &output)
      case 1: try compressed(.fixedLiterals, .fixedDistances, into: &output, start: start)
      case 2:
        let codes = try dynamicCodes()
        try compressed(codes.literals, codes.distances, into: &output, start: start)
      default: throw Gzip.Fault("it has a block of no known kind")
      }
    }
    position -= bitCount / 8
    bitCount = 0
  }

  private mutating func take(_ count: Int) throws(Gzip.Fault) -> Int {
    try fill(count)
    let value = Int(bits & (1 << UInt64(count) - 1))
    bits >>= UInt64(count)
    bitCount -= count
    return value
  }

  private mutating func fill(_ count: Int) throws(Gzip.Fault) {
    while bitCount < count {
      guard position < bytes.count else { throw Gzip.Fault("it ends early") }
      bits |= UInt64(bytes[position]) << UInt64(bitCount)
      position += 1
      bitCount += 8
    }
  }

  private mutating func stored(into output: inout [UInt8]) throws(Gzip.Fault) {
    let unused = bitCount % 8
    bits >>= UInt64(unused)
    bitCount -= unused
    let count = try take(16)
    guard try take(16) == ~count & 0xFFFF else { throw Gzip.Fault("a length is damaged") }
    guard output.count + count <= limit else { throw tooLong }
    for _ in 0..<count { output.append(UInt8(try take(8))) }
  }

  private mutating func compressed(
    _ literals: HuffmanCode, _ distances: HuffmanCode, into output: inout [UInt8], start: Int
  ) throws(Gzip.Fault) {
    while true {
      let symbol = try next(literals)
      if symbol < 256 {
        guard output.count < limit else { throw tooLong }
        output.append(UInt8(symbol))
        continue
      }
      if symbol == 256 { return }
      guard symbol <= 285 else { throw Gzip.Fault("a length has no meaning") }
      let count = Self.lengthBases[symbol - 257] + (try take(Self.lengthBits[symbol - 257]))
      let code = try next(distances)
      guard code <= 29 else { throw Gzip.Fault("a distance has no meaning") }
      let distance = Self.distanceBases[code] + (try take(Self.distanceBits[code]))
      guard distance <= output.count - start else {
        throw Gzip.Fault("a copy begins before the text does")
      }
      guard output.count + count <= limit else { throw tooLong }
      for _ in 0..<count { output.append(output[output.count - distance]) }
    }
  }

  private mutating func next(_ code: HuffmanCode) throws(Gzip.Fault) -> Int {
    // Near the end there may be fewer bits than the longest code; what is missing counts as zero.
    while bitCount < HuffmanCode.maximumLength, position < bytes.count {
      bits |= UInt64(bytes[position]) << UInt64(bitCount)
      position += 1
      bitCount += 8
    }
    let entry = code.table[Int(bits & HuffmanCode.mask)]
    let length = Int(entry & 15)
    guard length > 0 else { throw Gzip.Fault("it has a code that means nothing") }
    guard length <= bitCount else { throw Gzip.Fault("it ends early") }
    bits >>= UInt64(length)
    bitCount -= length
    return Int(entry >> 4)
  }

  private mutating func dynamicCodes() throws(Gzip.Fault) -> (
    literals: HuffmanCode, distances: HuffmanCode
  ) {
    let literalCount = try take(5) + 257
    let distanceCount = try take(5) + 1
    let lengthCount = try take(4) + 4
    var lengthLengths = [UInt8](repeating: 0, count: 19)
    for place in Self.lengthOrder.prefix(lengthCount) { lengthLengths[place] = UInt8(try take(3)) }
    let lengthCode = try HuffmanCode(lengthLengths)
    var lengths: [UInt8] = []
    while lengths.count < literalCount + distanceCount {
      let symbol = try next(lengthCode)
      switch symbol {
      case 16:
        guard let last = lengths.last else { throw Gzip.Fault("it repeats a length before any") }
        lengths += Array(repeating: last, count: 3 + (try take(2)))
      case 17: lengths += Array(repeating: 0, count: 3 + (try take(3)))
      case 18: lengths += Array(repeating: 0, count: 11 + (try take(7)))
      default: lengths.append(UInt8(symbol))
      }
    }
    guard lengths.count == literalCount + distanceCount, lengths[256] > 0 else {
      throw Gzip.Fault("its codes are damaged")
    }
    return (
      try HuffmanCode(Array(lengths[..<literalCount])),
      try HuffmanCode(Array(lengths[literalCount...]))
    )
  }

  private var tooLong: Gzip.Fault { Gzip.Fault("it unpacks to more than \(limit) bytes") }

  private static let lengthOrder = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
  ]
  private static let lengthBits = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
  ]
  private static let lengthBases = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
  ]
  private static let distanceBits = (0..<30).map { Swift.max(0, $0 / 2 - 1) }
  private static let distanceBases = (0..<30).map { code in
    code < 4 ? code + 1 : (2 + code % 2) << (code / 2 - 1) + 1
  }
}

/// A prefix code by the lengths of its words, as one table over the next 15 bits.
struct HuffmanCode {
  static let maximumLength = 15
  static let mask: UInt64 = 1 << 15 - 1

  /// For each 15 bits: symbol · 16 + length of the word they begin with; 0 where none begins so.
  let table: [UInt16]

  init(_ lengths: [UInt8]) throws(Gzip.Fault) {
    var counts = [Int](repeating: 0, count: 16)
    for length in lengths { counts[Int(length)] += 1 }
    counts[0] = 0
    var next = [Int](repeating: 0, count: 16)
    var (code, space) = (0, 1)
    for length in 1...Self.maximumLength {
      space = space * 2 - counts[length]
      guard space >= 0 else { throw Gzip.Fault("it has more codes than fit") }
      code = (code + counts[length - 1]) << 1
      next[length] = code
    }
    var table = [UInt16](repeating: 0, count: 1 << Self.maximumLength)
    for (symbol, length) in lengths.enumerated() where length > 0 {
      let length = Int(length)
      // Words are read from their first bit, and bytes from their last one.
      var (reversed, word) = (0, next[length])
      for _ in 0..<length {
        reversed = reversed << 1 | word & 1
        word >>= 1
      }
      next[length] += 1
      let entry = UInt16(symbol << 4 | length)
      for place in stride(from: reversed, to: table.count, by: 1 << length) { table[place] = entry }
    }
    self.table = table
  }

  private init(fixed lengths: [UInt8]) {
    do {
      self = try HuffmanCode(lengths)
    } catch {
      fatalError("a code of the standard is damaged: \(error.what)")
    }
  }

  static let fixedLiterals = HuffmanCode(
    fixed: (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 })
  static let fixedDistances = HuffmanCode(fixed: Array(repeating: 5, count: 30))
}
