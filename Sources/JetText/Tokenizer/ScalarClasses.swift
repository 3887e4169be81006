/// What the pre-tokenizer patterns ask of a Unicode scalar, one byte of flags a scalar.
///
/// The table is made once from the standard library's Unicode properties. The patterns of
/// Hugging Face `tokenizers` are run by regular expression engines that know Unicode 16, so a
/// letter or number that came later counts as neither; its `Digits` step knows Unicode 17.
///
/// `@unchecked Sendable`: the memory is written in `init` only, and the only instance is static,
/// so it is never freed.
struct ScalarClasses: @unchecked Sendable {
  /// `\p{L}`, up to Unicode 16.
  static let letter: UInt8 = 1
  /// `\p{N}`, up to Unicode 16.
  static let number: UInt8 = 2
  /// `\s`, the property White_Space.
  static let space: UInt8 = 4
  /// General category N of any version.
  static let numeric: UInt8 = 8
  /// `\w`, up to Unicode 16: alphabetic, mark, decimal number, connector punctuation or join
  /// control.
  static let word: UInt8 = 16

  /// The table for all scalars; made at first use.
  static let shared = ScalarClasses()

  private static let blockShift = 7
  private static let blockSize = 1 << blockShift

  private let blocks: UnsafePointer<UInt16>
  private let flags: UnsafePointer<UInt8>

  private init() {
    // Block 0 is ASCII, block 1 holds no flag at all.
    let zeros = [UInt8](repeating: 0, count: Self.blockSize)
    var allFlags = Self.flags(ofBlock: 0) + zeros
    var known: [[UInt8]: UInt16] = [zeros: 1]
    let blockCount = 0x110000 >> Self.blockShift
    var allBlocks = [UInt16](repeating: 1, count: blockCount)
    allBlocks[0] = 0
    for block in 1..<blockCount {
      // Planes 4 to 13 and 15 to 16 hold no assigned letter, number, mark or space.
      let first = block << Self.blockShift
      guard first < 0x40000 || (0xE0000..<0xE1000).contains(first) else { continue }
      let values = Self.flags(ofBlock: block)
      if let index = known[values] {
        allBlocks[block] = index
      } else {
        let index = UInt16(allFlags.count >> Self.blockShift)
        known[values] = index
        allBlocks[block] = index
        allFlags += values
      }
    }
    blocks = Self.copy(allBlocks)
    flags = Self.copy(allFlags)
  }

  private static func copy<Element>(_ values: [Element]) -> UnsafePointer<Element> {
    let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: values.count)
    _ = memory.initialize(fromContentsOf: values)
    return UnsafePointer(memory.baseAddress.unsafelyUnwrapped)
  }

  private static func flags(ofBlock block: Int) -> [UInt8] {
    let first = UInt32(block << blockShift)
    return (first..<first + UInt32(blockSize)).map { Unicode.Scalar($0).map(flags(of:)) ?? 0 }
  }

  private static func flags(of scalar: Unicode.Scalar) -> UInt8 {
    let properties = scalar.properties
    let category = properties.generalCategory
    var result: UInt8 = 0
    switch category {
    case .unassigned, .privateUse, .surrogate:
      return 0
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      result = letter
    case .decimalNumber:
      result = numeric | number | word
    case .letterNumber, .otherNumber:
      result = numeric | number
    case .nonspacingMark, .spacingMark, .enclosingMark, .connectorPunctuation:
      result = word
    default:
      break
    }
    if properties.isAlphabetic || properties.isJoinControl { result |= word }
    if properties.isWhitespace { result |= space }
    return isKnownToPatterns(properties) ? result : result & (numeric | space)
  }

  private static func isKnownToPatterns(_ properties: Unicode.Scalar.Properties) -> Bool {
    guard let age = properties.age else { return false }
    return age.major <= 16
  }

  /// The flags of the ASCII scalar `byte`.
  @inline(__always)
  subscript(ascii byte: UInt8) -> UInt8 { flags[Int(byte)] }

  /// The flags of the scalar of this value.
  ///
  /// - Precondition: `value` is at most 0x10FFFF.
  @inline(__always)
  subscript(value: UInt32) -> UInt8 {
    let value = Int(value)
    let block = Int(blocks[value >> Self.blockShift])
    return flags[block << Self.blockShift | value & (Self.blockSize - 1)]
  }
}
