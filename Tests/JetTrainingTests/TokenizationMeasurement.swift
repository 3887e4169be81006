import Foundation
import JetCheckpoint
import JetModels
import JetTestSupport
import Testing

@testable import JetTraining

private let environment = ProcessInfo.processInfo.environment

/// Not a test: how fast texts become shards on this machine.
///
/// `JET_TOKENIZE_MODEL` names a checkpoint and `JET_TOKENIZE_TEXT` a file that ``TokenShardWriter`` reads.
@Suite("Tokenization of real text", .enabled(if: environment["JET_TOKENIZE_MODEL"] != nil))
struct TokenizationMeasurement {
  @Test("documents, tokens and tokens a second of a file")
  func file() throws {
    let checkpoint = try Checkpoint(try #require(environment["JET_TOKENIZE_MODEL"]))
    let text = URL(filePath: try #require(environment["JET_TOKENIZE_TEXT"]))
    let writer = try TokenShardWriter(
      tokenizer: checkpoint.tokenizer(), vocabularySize: checkpoint.configuration.vocabularySize)
    let folder = try TemporaryFolder()
    let start = ContinuousClock.now
    var bytes = 0
    try TextDocuments(text).forEach { bytes += $0.utf8.count }
    let read = ContinuousClock.now
    let summary = try writer.write([text], to: folder.url)
    let seconds = (ContinuousClock.now - read) / .seconds(1)
    print(
      "\(summary.documents) documents, \(bytes) bytes read in \(read - start), \(summary.tokens) tokens, "
        + "\(Int(Double(summary.tokens) / seconds)) tokens a second with reading")
  }
}
