import Foundation
import JetInference

extension TaskDescription {
  /// Reads the files and writes out the questions.
  ///
  /// - Parameter fewShotCount: in place of the description's own.
  /// - Throws: ``EvaluationError`` that names the file, the line and the fault.
  public func task(fewShotCount: Int? = nil) throws -> EvaluationTask {
    if case .file = kind {
      guard let data = FileManager.default.contents(atPath: path) else {
        throw EvaluationError("\(path) cannot be read; give the path of a text file.")
      }
      guard let text = String(data: data, encoding: .utf8) else {
        throw EvaluationError("\(path) is not UTF-8; convert it first (iconv -t utf-8).")
      }
      return EvaluationTask(
        name: name, questions: .texts([TextItem(id: "0", text: text)]), metric: metric)
    }
    let rows = try DataRow.read(path)
    guard !rows.isEmpty else {
      throw EvaluationError("\(path) has no lines; give a file with at least one item.")
    }
    let ids = try rows.map { row in try id.map { try $0.text(row) } ?? "\(row.line)" }
    var seen: Set<String> = []
    if let place = ids.firstIndex(where: { !seen.insert($0).inserted }) {
      throw rows[place].error(
        "the id \(shown(ids[place])) was used before, and results are compared by it")
    }
    let examples = try Examples(self, rows: rows, count: fewShotCount ?? fewShot.count)
    let before = try rows.indices.map { place in
      try (preamble.map { try $0.text(rows[place]) } ?? "") + examples.text(before: place)
    }
    switch kind {
    case .file: preconditionFailure("read above")
    case .text(let template):
      let items = try zip(ids, rows).map { TextItem(id: $0, text: try template.text($1)) }
      return EvaluationTask(name: name, questions: .texts(items), metric: metric)
    case .choices(let templates):
      let items = try rows.indices.map { place in
        let question = try templates.question(rows[place], delimiter: delimiter)
        return ChoiceItem(
          id: ids[place],
          requests: question.requests.map {
            ContinuationRequest(context: before[place] + $0.context, continuation: $0.continuation)
          }, choices: question.choices, answer: question.answer)
      }
      return EvaluationTask(
        name: name, questions: .choices(items, templates.normalization), metric: metric)
    case .completion(let templates):
      let items = try rows.indices.map { place in
        CompletionItem(
          id: ids[place],
          request: GenerationRequest(
            context: before[place] + (try templates.context.text(rows[place])),
            stop: templates.stop, maximumTokens: templates.maximumTokens),
          answers: try templates.answers(rows[place]))
      }
      return EvaluationTask(name: name, questions: .completions(items), metric: metric)
    }
  }

  /// A question and its answer in one text.
  func solved(_ row: DataRow) throws -> String {
    switch kind {
    case .choices(let templates):
      let question = try templates.question(row, delimiter: delimiter)
      let right = question.requests[question.answer]
      return right.context + right.continuation
    case .completion(let templates):
      return try templates.context.text(row) + delimiter + templates.answers(row)[0]
    case .text, .file: preconditionFailure("texts have no examples")
    }
  }
}

extension ChoiceTemplates {
  /// A row's choices as continuations, without what comes before the question.
  func question(_ row: DataRow, delimiter: String) throws -> ChoiceItem {
    var texts = try expand(choices, row)
    let contexts = try contexts.map { try $0.text(row) }
    if contexts.count > 1, texts.count == 1 {
      texts = Array(repeating: texts[0], count: contexts.count)
    }
    guard texts.count >= 2, contexts.count == 1 || contexts.count == texts.count else {
      throw row.error(
        "there are \(contexts.count) contexts and \(texts.count) choices; expected 2 choices or more, "
          + "and one context or as many")
    }
    let requests = texts.indices.map { place in
      ContinuationRequest(
        context: contexts[contexts.count == 1 ? 0 : place], continuation: delimiter + texts[place])
    }
    return ChoiceItem(
      id: "", requests: requests, choices: texts, answer: try right(row, count: texts.count))
  }

  private func right(_ row: DataRow, count: Int) throws -> Int {
    let text = try answer.text(row)
    if labels.isEmpty {
      guard let place = Int(text), (0..<count).contains(place) else {
        throw row.error("the answer is \(shown(text)); expected a number from 0 to \(count - 1)")
      }
      return place
    }
    let names = try expand(labels, row)
    guard let place = names.firstIndex(of: text), place < count else {
      throw row.error(
        "the answer is \(shown(text)); expected one of \(shown(names.prefix(count).joined(separator: ", ")))"
      )
    }
    return place
  }
}

extension CompletionTemplates {
  func answers(_ row: DataRow) throws -> [String] {
    let texts = try expand(answers, row)
    guard !texts.isEmpty else { throw row.error("there is no right answer; expected one or more") }
    return texts
  }
}

/// The texts of some templates, or of the list that a single one names.
private func expand(_ templates: [FieldTemplate], _ row: DataRow) throws -> [String] {
  if templates.count == 1, let list = try templates[0].list(row) { return list }
  return try templates.map { try $0.text(row) }
}

/// Where the solved examples of a task come from.
private struct Examples {
  private let task: TaskDescription
  private let rows: [DataRow]
  private let pool: [DataRow]
  private let poolKeys: [String]
  private let count: Int
  private let match: FieldTemplate?

  init(_ task: TaskDescription, rows: [DataRow], count: Int) throws {
    self.task = task
    self.rows = rows
    self.count = count
    guard count >= 0 else {
      throw EvaluationError("\(count) examples were asked for; give 0 or more.")
    }
    if case .text = task.kind, count > 0 {
      throw EvaluationError(
        "The task \(task.name) measures texts, which have no examples; leave few-shot out.")
    }
    match = try task.fewShot.match.map { try FieldTemplate("{\($0.joined(separator: "."))}") }
    guard count > 0 else {
      (pool, poolKeys) = ([], [])
      return
    }
    pool = try task.fewShot.path.map { try DataRow.read($0) } ?? rows
    poolKeys = try pool.map { [match] row in try match?.text(row) ?? "" }
  }

  /// The examples for a row, each with the separator behind it.
  func text(before place: Int) throws -> String {
    if count == 0 { return "" }
    let row = rows[place]
    let key = try match?.text(row) ?? ""
    var places = pool.indices.filter { poolKeys[$0] == key }
    if task.fewShot.path == nil {
      places.removeAll { $0 == place }
      // Mixed by place too, so that neighbours do not all see the same examples.
      var random = RandomNumbers(seed: task.fewShot.seed &+ UInt64(place) &* 0x9e37_79b9_7f4a_7c15)
      for index in 0..<min(count, places.count) {
        places.swapAt(index, index + Int(random.next() % UInt64(places.count - index)))
      }
    }
    guard places.count >= count else {
      throw row.error(
        "\(count) examples were asked for and \(places.count) fit; ask for fewer, or give few_shot a "
          + "path with more")
    }
    return try places.prefix(count).map { try task.solved(pool[$0]) + task.fewShot.separator }
      .joined()
  }
}
