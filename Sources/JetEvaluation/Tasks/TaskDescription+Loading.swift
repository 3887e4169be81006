import Foundation

extension TaskDescription {
  private enum KindName: String, CaseIterable {
    case multipleChoice = "multiple_choice"
    case completion
    case perplexity
  }

  /// Reads a task's YAML file; paths in it start from the file's folder.
  ///
  /// ```yaml
  /// kind: multiple_choice
  /// path: questions.jsonl
  /// context: "Question: {question}\nAnswer:"
  /// choices: "{choices}"
  /// answer: "{gold}"
  /// ```
  ///
  /// - Throws: ``EvaluationError`` that names the file, the line and the key; an unknown key is an error.
  public init(contentsOf file: String) throws {
    let url = URL(filePath: file)
    try self.init(
      yaml: try TaskFile.text(file), file: file,
      name: url.deletingPathExtension().lastPathComponent,
      folder: url.deletingLastPathComponent().path)
  }

  /// Reads the YAML of a task.
  ///
  /// - Parameters:
  ///   - yaml: the text.
  ///   - file: what messages call it.
  ///   - name: the task's name where the text has none.
  ///   - folder: where relative paths start.
  init(yaml: String, file: String, name: String, folder: String) throws {
    var keys = try TaskFile.mapping(yaml, file: file)
    func resolved(_ path: String) -> String {
      path.hasPrefix("/") ? path : URL(filePath: folder).appending(path: path).standardized.path
    }
    guard let kindName = try keys.choice("kind", KindName.self) else {
      throw keys.error(
        "kind", "is missing; give \(KindName.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    self.name = try keys.text("name") ?? name
    path = resolved(try keys.required("path"))
    id = try keys.template("id")
    metric = try keys.text("metric")
    preamble = nil
    delimiter = " "
    fewShot = FewShot()
    var known = ["kind", "name", "path", "id", "metric"]
    if kindName != .perplexity {
      known += ["preamble", "delimiter", "few_shot"]
      preamble = try keys.template("preamble")
      delimiter = try keys.text("delimiter") ?? " "
      if let mapping = try keys.mapping("few_shot") {
        fewShot = try FewShot(mapping, resolved: resolved)
      }
    }
    let metrics: [String]
    switch kindName {
    case .multipleChoice:
      known += ["context", "choices", "answer", "labels", "normalization"]
      kind = .choices(try ChoiceTemplates(&keys))
      metrics = EvaluationTask.Questions.choices([], .characters).metrics
    case .completion:
      known += ["context", "answers", "stop", "maximum_tokens"]
      kind = .completion(try CompletionTemplates(&keys))
      metrics = EvaluationTask.Questions.completions([]).metrics
    case .perplexity:
      known += ["text"]
      kind = try keys.template("text").map { .text($0) } ?? .file
      metrics = EvaluationTask.Questions.texts([]).metrics
    }
    if let metric, !metrics.contains(metric) {
      throw keys.error(
        "metric", "is \(shown(metric)); expected one of \(metrics.joined(separator: ", "))")
    }
    try keys.finish(known: known)
  }
}

extension FewShot {
  fileprivate init(_ mapping: TaskFileMapping, resolved: (String) -> String) throws {
    var keys = mapping
    self.init()
    count = try keys.integer("count", 0...1000) ?? 0
    separator = try keys.text("separator") ?? separator
    path = try keys.text("path").map(resolved)
    match = try keys.text("match").map { $0.split(separator: ".").map(String.init) }
    seed = UInt64(try keys.integer("seed", 0...Int.max) ?? 0)
    try keys.finish(known: ["count", "separator", "path", "match", "seed"])
  }
}

extension ChoiceTemplates {
  fileprivate init(_ keys: inout TaskFileMapping) throws {
    func required<Value>(_ key: String, _ value: Value?) throws -> Value {
      guard let value else {
        throw keys.error(key, "is missing; add it (docs/evaluation.md has the keys)")
      }
      return value
    }
    contexts = try required("context", keys.templates("context"))
    choices = try required("choices", keys.templates("choices"))
    answer = try required("answer", keys.template("answer"))
    labels = try keys.templates("labels") ?? []
    normalization = try keys.choice("normalization") ?? .characters
  }
}

extension CompletionTemplates {
  fileprivate init(_ keys: inout TaskFileMapping) throws {
    func required<Value>(_ key: String, _ value: Value?) throws -> Value {
      guard let value else {
        throw keys.error(key, "is missing; add it (docs/evaluation.md has the keys)")
      }
      return value
    }
    context = try required("context", keys.template("context"))
    answers = try required("answers", keys.templates("answers"))
    stop = try keys.texts("stop") ?? ["\n"]
    guard !stop.contains("") else {
      throw keys.error("stop", "holds an empty text, which would match everywhere; leave it out")
    }
    maximumTokens = try keys.integer("maximum_tokens", 1...1_000_000) ?? 32
  }
}
