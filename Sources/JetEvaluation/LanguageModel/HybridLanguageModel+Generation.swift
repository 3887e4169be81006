import JetInference
import JetModels
import JetTensor
import JetText

extension HybridLanguageModel {
  /// The most likely token again and again; prompts of like length are answered together.
  public func generate(
    _ requests: [GenerationRequest], onResult: (Int, GeneratedAnswer) throws -> Void
  ) throws {
    var answers: [Answer] = []
    for (index, request) in requests.enumerated() {
      let (tokens, dropped) = try encoding.prompt(request)
      if request.maximumTokens < 1 {
        try onResult(index, GeneratedAnswer(text: "", droppedTokens: dropped))
      } else {
        answers.append(
          Answer(
            request: index, prompt: tokens, droppedTokens: dropped,
            maximumTokens: request.maximumTokens,
            decoder: encoding.tokenizer.makeStreamDecoder(skipSpecialTokens: true),
            stops: try StopStrings(request.stop)))
      }
    }
    answers.sort { ($1.length, $1.request) < ($0.length, $0.request) }
    for batch in Batching.batches(answers, most: batchTokens, cost: \.length, rows: { _ in 1 }) {
      try answer(batch, onResult)
    }
  }

  /// Answers some prompts side by side; those that have ended leave the batch.
  private func answer(
    _ batch: [Answer], _ onResult: (Int, GeneratedAnswer) throws -> Void
  ) throws {
    var live = batch
    var (state, next) = try withTorchErrors { withoutGradients { prefill(live) } }
    while true {
      for row in live.indices { live[row].append(next[row], isEnd: endTokens.contains(next[row])) }
      for answer in live where answer.hasEnded {
        try onResult(
          answer.request,
          GeneratedAnswer(text: answer.text, droppedTokens: answer.droppedTokens))
      }
      let kept = live.indices.filter { !live[$0].hasEnded }
      if kept.isEmpty { return }
      next = try withTorchErrors {
        withoutGradients {
          if kept.count < live.count { state = state.sequences(kept) }
          let tokens = kept.map { [next[$0]] }
          let read = TokenBatch(tokens, device: model.embedding.device)
          return chosen(model(read, state: &state), rows: kept.count)
        }
      }
      live = kept.map { live[$0] }
    }
  }

  /// Reads prompts in pieces and chooses the token after each.
  private func prefill(_ answers: [Answer]) -> (ModelState, [Int]) {
    let longest = answers.map(\.length).max() ?? 1
    var state = model.makeState(sequences: answers.count, capacity: longest)
    var next = Array(repeating: 0, count: answers.count)
    let length = answers.map(\.prompt.count).max() ?? 0
    let step = max(1, batchTokens / answers.count)
    for start in stride(from: 0, to: length, by: step) {
      let tokens = answers.map { Array($0.prompt.dropFirst(start).prefix(step)) }
      let batch = TokenBatch(tokens, device: model.embedding.device)
      let hidden = model(batch, state: &state)
      let ending = answers.indices.filter {
        (start + 1...start + step).contains(answers[$0].prompt.count)
      }
      if ending.isEmpty { continue }
      let places = ending.map { $0 * batch.length + tokens[$0].count - 1 }
      let flat = hidden.reshaped([answers.count * batch.length, model.configuration.width])
      let last = flat.rows(Tensor(places).to(flat.device))
      for (row, token) in zip(ending, chosen(last, rows: ending.count)) { next[row] = token }
    }
    return (state, next)
  }

  /// The most likely token of each row of hidden states; zeros after a failure.
  private func chosen(_ hidden: Tensor, rows: Int) -> [Int] {
    let flat = hidden.reshaped([rows, model.configuration.width])
    let tokens = model.logits(flat).argmax(dim: -1).array(of: Int.self)
    return tokens.count == rows ? tokens : Array(repeating: 0, count: rows)
  }
}

/// One answer as it grows.
private struct Answer {
  let request: Int
  let prompt: [Int]
  let droppedTokens: Int
  let maximumTokens: Int
  var decoder: StreamDecoder
  var stops: StopStrings
  private(set) var text = ""
  private(set) var hasEnded = false
  private var count = 0

  init(
    request: Int, prompt: [Int], droppedTokens: Int, maximumTokens: Int, decoder: StreamDecoder,
    stops: StopStrings
  ) {
    self.request = request
    self.prompt = prompt
    self.droppedTokens = droppedTokens
    self.maximumTokens = maximumTokens
    self.decoder = decoder
    self.stops = stops
  }

  /// Tokens of prompt and answer at most.
  var length: Int { prompt.count + maximumTokens }

  mutating func append(_ token: Int, isEnd: Bool) {
    if isEnd { return finish() }
    count += 1
    take(decoder.append(token))
    if !hasEnded, count == maximumTokens { finish() }
  }

  private mutating func finish() {
    take(decoder.finish())
    if !hasEnded { text += stops.finish() }
    hasEnded = true
  }

  private mutating func take(_ piece: String) {
    let (emitted, stopped) = stops.append(piece)
    text += emitted
    if stopped { hasEnded = true }
  }
}
