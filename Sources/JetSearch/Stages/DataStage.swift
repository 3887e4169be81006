import Foundation
import JetEvaluation
import JetModels
import JetTensor
import JetTraining

/// Stage 0: the texts as tokens, and what the teacher scores.
struct DataStage {
  let session: SearchSession

  /// What the texts came to.
  struct Summary: Codable, Hashable {
    var documents: Int
    var tokens: Int
  }

  func run() throws {
    let (configuration, folder) = (session.configuration, session.folder)
    session.shards = try shards("train", configuration.data.train, to: folder.shards)
    let held = try shards("validation", configuration.data.validation, to: folder.validationShards)
    let tokens = session.shards.reduce(0) { $0 + $1.count }
    guard tokens >= configuration.data.sequenceLength else {
      throw SearchError(
        "the training text has \(tokens) tokens, less than one sequence of "
          + "\(configuration.data.sequenceLength); give more text")
    }
    session.validation = try windows(held)
    let scores = try FinalScores(session).scores(
      .data, "teacher", of: session.teacher, index: 3, count: 3)
    session.tell(
      .data, "teacher", 3, of: 3,
      "validation loss \(decimals(scores.validation.value, 4)) nats a token")
  }

  private func shards(_ name: String, _ files: [String], to folder: URL) throws -> [TokenShard] {
    let index = name == "train" ? 1 : 2
    _ = try session.once(.data, name) { () -> Summary in
      try session.begin(.data, "\(name) text", index, of: 3)
      let writer = try TokenShardWriter(
        tokenizer: session.tokenizer,
        vocabularySize: session.teacher.configuration.vocabularySize)
      let made = try writer.write(files.map { URL(filePath: $0) }, to: folder, name: name)
      session.tell(
        .data, "\(name) text", index, of: 3, "\(made.documents) documents, \(made.tokens) tokens")
      return Summary(documents: made.documents, tokens: made.tokens)
    }
    return try TokenShardList.open(folder)
  }

  /// The held-out text in sequences, as many as anything asks for.
  private func windows(_ shards: [TokenShard]) throws -> [[Int]] {
    let data = session.configuration.data
    let wanted = session.configuration.placement.objectives
      .reduce(data.validationSequences) { max($0, $1.kind == .divergence ? $1.sequences : 0) }
    var windows: [[Int]] = []
    for shard in shards {
      var start = 0
      while start + data.sequenceLength <= shard.count, windows.count < wanted {
        windows.append(try shard.tokens(in: start..<start + data.sequenceLength))
        start += data.sequenceLength
      }
    }
    guard windows.count >= wanted else {
      throw SearchError(
        "the validation text has \(windows.count) sequences of \(data.sequenceLength) tokens, and "
          + "\(wanted) are asked for; give more text or ask for fewer")
    }
    return windows
  }
}
