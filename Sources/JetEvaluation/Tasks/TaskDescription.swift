/// How lines of a file become the questions of a task: what a task's YAML file says.
public struct TaskDescription: Hashable, Sendable {
  /// What the lines become.
  enum Kind: Hashable, Sendable {
    case choices(ChoiceTemplates)
    case completion(CompletionTemplates)
    case text(FieldTemplate)
    /// The whole file is one text, and not JSON lines.
    case file
  }

  /// The name under which results are kept.
  public var name: String
  /// The file of JSON lines.
  public var path: String
  var kind: Kind
  /// A unique name for each item; the line's number when nil.
  var id: FieldTemplate?
  /// Before everything else of each context.
  var preamble: FieldTemplate?
  /// Between a context and what follows it.
  var delimiter: String
  /// Solved examples before each question.
  public var fewShot: FewShot
  /// The metric to look at first; the kind's first when nil.
  public var metric: String?

  /// The perplexity of a text file as a whole.
  public static func perplexity(ofFile path: String, name: String) -> TaskDescription {
    TaskDescription(
      name: name, path: path, kind: .file, id: nil, preamble: nil, delimiter: "",
      fewShot: FewShot(), metric: nil)
  }

  init(
    name: String, path: String, kind: Kind, id: FieldTemplate?, preamble: FieldTemplate?,
    delimiter: String, fewShot: FewShot, metric: String?
  ) {
    self.name = name
    self.path = path
    self.kind = kind
    self.id = id
    self.preamble = preamble
    self.delimiter = delimiter
    self.fewShot = fewShot
    self.metric = metric
  }
}

/// Solved examples before each question.
public struct FewShot: Hashable, Sendable {
  /// How many.
  public var count = 0
  /// Between examples, and before the question.
  public var separator = "\n\n"
  /// The file that the examples come from, its first lines first; when nil they are drawn from the
  /// task's own other lines.
  public var path: String?
  /// Examples agree with the question in this field.
  var match: [String]?
  /// Start of the random numbers that draw examples from the task's own lines.
  public var seed: UInt64 = 0
}

/// Templates of a question with choices.
struct ChoiceTemplates: Hashable, Sendable {
  /// One context for all choices, or one for each.
  var contexts: [FieldTemplate]
  /// What follows: one for each choice, or a single one that is a list field, or, with a context
  /// for each choice, a single one for all.
  var choices: [FieldTemplate]
  /// The place of the right choice, from 0, or its label.
  var answer: FieldTemplate
  /// What the answer calls the choices; a single template may be a list field.
  var labels: [FieldTemplate]
  var normalization: LengthNormalization
}

/// Templates of a prompt with its right answers.
struct CompletionTemplates: Hashable, Sendable {
  var context: FieldTemplate
  /// Right answers; a single template may be a list field.
  var answers: [FieldTemplate]
  var stop: [String]
  var maximumTokens: Int
}
