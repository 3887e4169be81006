/// The first 64 bytes of a token shard: numbers little-endian, in this order.
///
///     0  "JETTOK\r\n"            24  tokens, 64 bits
///     8  version, 32 bits        32  documents, 64 bits
///     12 bytes of a token, 32    40  the tokenizer's fingerprint, 64 bits
///     16 vocabulary size, 32     48  zero, 64 bits
///     20 end-of-text token, 32   56  checksum of the 56 bytes before it, 64 bits
///
/// The tokens follow, each in 2 or 4 bytes.
public struct TokenShardHeader: Hashable, Sendable {
  /// Bytes of the header.
  public static let byteCount = 64
  /// The version that is written and the only one that is read.
  public static let version = 1
  private static let magic = Array("JETTOK\r\n".utf8)

  /// Every token is below this.
  public var vocabularySize: Int
  /// The token after each document.
  public var endToken: Int
  /// Tokens in the file.
  public var tokenCount: Int
  /// Documents in the file.
  public var documentCount: Int
  /// The fingerprint of the tokenizer that made the tokens.
  public var fingerprint: UInt64

  /// Bytes of a token: 2 where all ids fit.
  public var tokenByteCount: Int { vocabularySize <= 1 << 16 ? 2 : 4 }

  init(
    vocabularySize: Int, endToken: Int, tokenCount: Int, documentCount: Int, fingerprint: UInt64
  ) {
    self.vocabularySize = vocabularySize
    self.endToken = endToken
    self.tokenCount = tokenCount
    self.documentCount = documentCount
    self.fingerprint = fingerprint
  }

  var bytes: [UInt8] {
    var bytes = Self.magic
    func append(_ number: UInt64, _ count: Int) {
      bytes += (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
    }
    append(UInt64(Self.version), 4)
    append(UInt64(tokenByteCount), 4)
    append(UInt64(vocabularySize), 4)
    append(UInt64(endToken), 4)
    append(UInt64(tokenCount), 8)
    append(UInt64(documentCount), 8)
    append(fingerprint, 8)
    append(0, 8)
    var sum = Checksum()
    sum.add(bytes)
    append(sum.value, 8)
    return bytes
  }

  /// Reads the header of a file of `fileSize` bytes and believes nothing that it says without a check.
  init(_ bytes: UnsafeRawBufferPointer, fileSize: Int, file: String) throws(TrainingError) {
    func fail(_ what: String) -> TrainingError {
      TrainingError("\(file): \(what); make the token shards again")
    }
    guard fileSize >= Self.byteCount, bytes.count >= Self.byteCount else {
      throw fail("the file has \(fileSize) bytes, a token shard at least \(Self.byteCount)")
    }
    func number(_ offset: Int, _ count: Int) -> UInt64 {
      (0..<count).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
    }
    guard bytes.prefix(8).elementsEqual(Self.magic) else {
      throw fail("the file does not begin as a token shard does")
    }
    var sum = Checksum()
    sum.add(bytes[0..<56])
    guard number(56, 8) == sum.value else { throw fail("the header's checksum is wrong") }
    guard number(8, 4) == UInt64(Self.version) else {
      throw fail("the version is \(number(8, 4)), and this program reads \(Self.version)")
    }
    let width = number(12, 4)
    let vocabulary = number(16, 4)
    guard (1...16_777_216).contains(vocabulary) else {
      throw fail("the vocabulary's size is \(vocabulary), expected 1 to 16777216")
    }
    vocabularySize = Int(vocabulary)
    endToken = Int(number(20, 4))
    fingerprint = number(40, 8)
    // Counts above the file's size are refused before any arithmetic could overflow.
    guard let tokens = Int(exactly: number(24, 8)), tokens <= fileSize else {
      throw fail("it claims \(number(24, 8)) tokens in \(fileSize) bytes")
    }
    tokenCount = tokens
    guard let documents = Int(exactly: number(32, 8)), documents <= tokens else {
      throw fail("it claims \(number(32, 8)) documents in \(tokens) tokens")
    }
    documentCount = documents
    guard width == UInt64(tokenByteCount) else {
      throw fail("a token takes \(width) bytes; a vocabulary of \(vocabulary) \(tokenByteCount)")
    }
    guard endToken < vocabularySize else {
      throw fail("the end token is \(endToken), and the vocabulary has \(vocabularySize) tokens")
    }
    guard number(48, 8) == 0 else { throw fail("the header's reserved bytes are not zero") }
    let expected = Self.byteCount + tokens * tokenByteCount
    guard fileSize == expected else {
      throw fail("\(tokens) tokens make \(expected) bytes, but the file has \(fileSize)")
    }
  }
}
