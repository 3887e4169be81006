import JetEvaluation

/// A task by its name or file, with what is asked of it.
public struct TaskReference: Codable, Hashable, Sendable {
  /// A built-in task, the path of a task's YAML file, or a generated one: `recall`, `needle`, and either with
  /// `-written` behind.
  public var task: String
  /// The most items, spread over the task; of generated tasks, items at each depth.
  public var items: Int?
  /// Tokens of a generated question.
  public var lengths: [Int]?
  /// Solved examples before each question.
  public var fewShot: Int?

  /// A task with all its values.
  public init(_ task: String, items: Int? = nil, lengths: [Int]? = nil, fewShot: Int? = nil) {
    self.task = task
    self.items = items
    self.lengths = lengths
    self.fewShot = fewShot
  }

  /// Whether the name is a path.
  var isFile: Bool { task.hasSuffix(".yaml") || task.hasSuffix(".yml") }

  /// The names that stand for generated tasks.
  static let generated = RetrievalTask.Family.allCases.flatMap {
    [$0.rawValue, "\($0.rawValue)-written"]
  }

  /// Checks the name and the counts.
  func validate(_ key: String) throws(SearchError) {
    let known = BuiltInTasks.names + Self.generated
    guard isFile || known.contains(task) else {
      throw SearchError(
        "'\(key).task' is \(task); give one of \(known.joined(separator: ", ")) or a .yaml file")
    }
    let isGenerated = Self.generated.contains(task)
    try expect(
      "\(key).items", items ?? 1, from: 1,
      to: isGenerated ? RetrievalTask.itemBounds.upperBound : 1 << 24)
    try expect("\(key).few_shot", fewShot ?? 0, from: 0)
    guard lengths == nil || isGenerated else {
      throw SearchError(
        "'\(key).lengths' is given for \(task); only \(Self.generated.joined(separator: ", ")) have them"
      )
    }
    for length in lengths ?? [] {
      let bounds = RetrievalTask.tokenBounds
      try expect("\(key).lengths", length, from: bounds.lowerBound, to: bounds.upperBound)
    }
  }
}

/// Refuses a number below what is possible, or above what makes sense: products of such numbers stay within `Int`.
func expect(
  _ key: String, _ value: Int, from least: Int, to most: Int = 1 << 24
) throws(SearchError) {
  guard value >= least else {
    throw SearchError("'\(key)' is \(value); give \(least) or more")
  }
  guard value <= most else {
    throw SearchError("'\(key)' is \(value); give \(most) or less")
  }
}

/// Refuses a number out of a range.
func expect(_ key: String, _ value: Double, in range: ClosedRange<Double>) throws(SearchError) {
  guard range.contains(value) else {
    throw SearchError(
      "'\(key)' is \(value); give a number from \(range.lowerBound) to \(range.upperBound)")
  }
}
