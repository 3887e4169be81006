public import Foundation
import JetFormats

/// Tokens of many documents in one mapped file, each document followed by the end-of-text token.
public struct TokenShard: Sendable {
  /// What the file says of itself, checked.
  public let header: TokenShardHeader
  /// The path, for messages.
  public let path: String
  private let file: MappedFile

  /// Opens a shard and checks its header against the file's size.
  ///
  /// - Throws: ``TrainingError`` for a file that is no shard, `FormatError` for one that cannot be mapped.
  public init(_ url: URL) throws {
    let file = try MappedFile(url)
    let known = min(file.size, TokenShardHeader.byteCount)
    header = try file.withBytes(in: 0..<known) { bytes throws(TrainingError) in
      try TokenShardHeader(bytes, fileSize: file.size, file: url.path)
    }
    self.file = file
    path = url.path
  }

  /// How many tokens there are.
  public var count: Int { header.tokenCount }

  /// The tokens of a range.
  ///
  /// - Precondition: the range lies in the shard.
  /// - Throws: ``TrainingError`` when a token is not of the vocabulary.
  public func tokens(in range: Range<Int>) throws -> [Int] {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= count, "tokens \(range) of a shard of \(count)")
    let width = header.tokenByteCount
    let start = TokenShardHeader.byteCount + range.lowerBound * width
    let tokens = file.withBytes(in: start..<start + range.count * width) { bytes in
      (0..<range.count).map { i in
        width == 2
          ? Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)))
          : Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self)))
      }
    }
    if let bad = tokens.firstIndex(where: { $0 >= header.vocabularySize }) {
      throw TrainingError(
        "\(path): token \(range.lowerBound + bad) is \(tokens[bad]), and the vocabulary has "
          + "\(header.vocabularySize); make the token shards again")
    }
    return tokens
  }
}
