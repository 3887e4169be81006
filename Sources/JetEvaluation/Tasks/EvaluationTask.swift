/// Something to measure, with all its questions written out.
public struct EvaluationTask: Hashable, Sendable {
  /// What is asked.
  public enum Questions: Hashable, Sendable {
    /// Which of some continuations is the most likely.
    case choices([ChoiceItem], LengthNormalization)
    /// What text follows.
    case completions([CompletionItem])
    /// How likely texts are.
    case texts([TextItem])
  }

  /// The name under which results are kept.
  public var name: String
  /// What is asked.
  public var questions: Questions
  /// The metric to look at first; one of ``metrics``.
  public var metric: String

  /// A task with its questions.
  ///
  /// - Parameter metric: the first of ``metrics`` when nil.
  /// - Precondition: `metric` is one of ``metrics``.
  public init(name: String, questions: Questions, metric: String? = nil) {
    self.name = name
    self.questions = questions
    self.metric = metric ?? questions.metrics[0]
    precondition(questions.metrics.contains(self.metric), "the metric \(self.metric) of \(name)")
  }

  /// How many items there are.
  public var count: Int {
    switch questions {
    case .choices(let items, _): items.count
    case .completions(let items): items.count
    case .texts(let items): items.count
    }
  }

  /// The task with some of its items, spread evenly over all; files are often sorted by something.
  public func limited(to count: Int) -> EvaluationTask {
    var task = self
    func spread<Item>(_ items: [Item]) -> [Item] {
      if count >= items.count { return items }
      return (0..<count).map { items[$0 * items.count / count] }
    }
    switch questions {
    case .choices(let items, let normalization):
      task.questions = .choices(spread(items), normalization)
    case .completions(let items): task.questions = .completions(spread(items))
    case .texts(let items): task.questions = .texts(spread(items))
    }
    return task
  }
}

extension EvaluationTask.Questions {
  /// The metrics that such questions give.
  public var metrics: [String] {
    switch self {
    case .choices: ["accuracy", "accuracy_normalized", "answer_loss", "choice_loss"]
    case .completions: ["exact_match", "contains"]
    case .texts:
      ["perplexity", "loss_per_token", "word_perplexity", "byte_perplexity", "bits_per_byte"]
    }
  }
}

/// What a choice's log-likelihood is divided by, so that long choices are not at a disadvantage.
public enum LengthNormalization: String, Codable, Hashable, Sendable, CaseIterable {
  /// Unicode scalars, as lm-evaluation-harness counts them.
  case characters
  /// Bytes of UTF-8.
  case bytes

  func length(_ text: String) -> Int {
    switch self {
    case .characters: text.unicodeScalars.count
    case .bytes: text.utf8.count
    }
  }
}

/// A question with choices.
public struct ChoiceItem: Hashable, Sendable {
  /// Unique in the task.
  public var id: String
  /// Each choice as a continuation of its context.
  public var requests: [ContinuationRequest]
  /// Each choice's own text, whose length normalizes.
  public var choices: [String]
  /// The place of the right choice.
  public var answer: Int

  /// A question with choices.
  ///
  /// - Precondition: there is a text for each request, and `answer` is the place of one.
  public init(id: String, requests: [ContinuationRequest], choices: [String], answer: Int) {
    precondition(
      requests.count == choices.count && requests.indices.contains(answer),
      "\(requests.count) requests, \(choices.count) choices, answer \(answer)")
    self.id = id
    self.requests = requests
    self.choices = choices
    self.answer = answer
  }
}

/// A prompt with its right answers.
public struct CompletionItem: Hashable, Sendable {
  /// Unique in the task.
  public var id: String
  /// The prompt.
  public var request: GenerationRequest
  /// Any of these is right.
  public var answers: [String]

  /// A prompt with its right answers.
  public init(id: String, request: GenerationRequest, answers: [String]) {
    self.id = id
    self.request = request
    self.answers = answers
  }
}

/// A text whose likelihood is measured.
public struct TextItem: Hashable, Sendable {
  /// Unique in the task.
  public var id: String
  /// The text.
  public var text: String

  /// A text.
  public init(id: String, text: String) {
    self.id = id
    self.text = text
  }
}
