import JetModels
import JetTensor

/// One batch of contexts with their continuations, from tokens to log-likelihoods.
///
/// Legend: B rows, T tokens of a piece, D the model's width, V the vocabulary.
struct ContinuationScorer {
  private let model: HybridModel
  private let batchTokens: Int

  init(_ model: HybridModel, batchTokens: Int) {
    self.model = model
    self.batchTokens = batchTokens
  }

  /// The score of each request of the groups.
  func scores(_ groups: [ContextGroup]) -> [Int: ContinuationScore] {
    let longest = groups.map(\.length).max() ?? 1
    var state = model.makeState(sequences: groups.count, capacity: longest)
    var targets: [Target] = []
    var scores: [Int: ContinuationScore] = [:]
    read(groups.map(\.context), state: &state) { row, position, places in
      // Only the last token of a context is asked for its successor.
      guard position == groups[row].context.count - 1 else { return }
      targets += groups[row].continuations.map {
        Target(request: $0.request, token: $0.tokens[0], place: places)
      }
    } piece: { hidden in
      score(hidden, &targets, &scores)
    }

    // The first tokens are scored; the rest of each continuation is read from its context's state.
    let rest = groups.enumerated().flatMap { row, group in
      group.continuations.filter { $0.tokens.count > 1 }.map { (row: row, own: $0) }
    }
    if !rest.isEmpty {
      let inOrder = rest.count == groups.count && rest.map(\.row) == Array(groups.indices)
      if !inOrder { state = state.sequences(rest.map(\.row)) }
      read(rest.map { Array($0.own.tokens.dropLast()) }, state: &state) { row, position, place in
        targets.append(
          Target(
            request: rest[row].own.request, token: rest[row].own.tokens[position + 1], place: place)
        )
      } piece: { hidden in
        score(hidden, &targets, &scores)
      }
    }
    return scores
  }

  /// Where the logits for a token come from.
  private struct Target {
    let request: Int
    let token: Int
    /// A row of the piece's hidden states `[B · T, D]`.
    let place: Int
  }

  /// Reads rows in pieces of at most ``batchTokens`` tokens.
  ///
  /// - Parameters:
  ///   - token: told of each real token: its row, its position in the row, and its place among the
  ///     piece's hidden states.
  ///   - piece: given the piece's hidden states `[B · T, D]` after its tokens were told.
  private func read(
    _ rows: [[Int]], state: inout ModelState, token: (Int, Int, Int) -> Void,
    piece: (Tensor) -> Void
  ) {
    let length = rows.map(\.count).max() ?? 0
    let step = max(1, batchTokens / max(1, rows.count))
    for start in stride(from: 0, to: length, by: step) {
      let tokens = rows.map { Array($0.dropFirst(start).prefix(step)) }
      let batch = TokenBatch(tokens, device: model.embedding.device)
      let hidden = model(batch, state: &state)
      for (row, own) in tokens.enumerated() {
        for offset in own.indices { token(row, start + offset, row * batch.length + offset) }
      }
      piece(hidden.reshaped([rows.count * batch.length, model.configuration.width]))
    }
  }

  /// Adds the log-probability of each target, and empties the list.
  ///
  /// Logits are made for some rows at a time: those of a batch would be `[B · T, V]` in float32.
  private func score(
    _ hidden: Tensor, _ targets: inout [Target], _ scores: inout [Int: ContinuationScore]
  ) {
    defer { targets = [] }
    var places: [Int] = []
    var rowOfPlace: [Int: Int] = [:]
    for target in targets where rowOfPlace[target.place] == nil {
      rowOfPlace[target.place] = places.count
      places.append(target.place)
    }
    let chunk = max(1, Self.logitBytes / (4 * model.configuration.vocabularySize))
    var byChunk: [Int: [Target]] = [:]
    for target in targets {
      byChunk[(rowOfPlace[target.place] ?? 0) / chunk, default: []].append(target)
    }
    for index in byChunk.keys.sorted() {
      let own = byChunk[index] ?? []
      let first = index * chunk
      let wanted = Array(places[first..<min(first + chunk, places.count)])
      let logits = model.logits(hidden.rows(Tensor(wanted).to(hidden.device)))  // [rows, V]
      let rows = Tensor(own.map { (rowOfPlace[$0.place] ?? 0) - first }).to(hidden.device)
      let tokens = Tensor(own.map(\.token)).to(hidden.device)
      let values = logits.logSoftmax(dim: -1).at([rows, tokens]).array(of: Float.self)
      let best = logits.argmax(dim: -1).rows(rows).array(of: Int.self)
      // Nothing comes back from an operation that failed.
      guard values.count == own.count, best.count == own.count else { return }
      for (place, target) in own.enumerated() {
        let isBest = best[place] == target.token
        let before = scores[target.request]
        scores[target.request] = ContinuationScore(
          logLikelihood: (before?.logLikelihood ?? 0) + Double(values[place]),
          isGreedy: (before?.isGreedy ?? true) && isBest,
          tokenCount: (before?.tokenCount ?? 0) + 1)
      }
    }
  }

  /// Bytes of logits that are made at a time.
  private static let logitBytes = 64 << 20
}
