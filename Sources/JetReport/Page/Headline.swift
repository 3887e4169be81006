/// A number at the top of the page.
struct Headline: Hashable {
  /// What it is.
  var name: String
  /// The number with its error.
  var value: String
  /// What it is compared with.
  var detail: String

  /// More tasks than that stay in the table of the comparison.
  private static let mostTasks = 4

  /// The numbers that the content has: scores, perplexity and bytes of the searched model beside those of the teacher, and how
  /// much faster it writes behind the longest context that both were measured at.
  static func all(of content: ReportContent) -> [Headline] {
    var result: [Headline] = []
    if let searched = content.comparison.first(where: { $0.role == .searched }) {
      let teacher = content.comparison.first { $0.role == .teacher }
      result += spread(searched.scores).map { task($0, of: searched, beside: teacher) }
      if let perplexity = searched.perplexity {
        result.append(
          Headline(
            name: "Perplexity", value: NumberText.text(perplexity),
            detail: "teacher \(NumberText.text(teacher?.perplexity))"))
      }
      if let bytes = searched.stateBytes {
        result.append(memory(bytes, teacher: teacher?.stateBytes, at: content.comparisonContext))
      }
    }
    return result + [speedUp(content.contexts)].compactMap(\.self)
  }

  /// The first task, the last, and some between: kinds of tasks often stand together.
  private static func spread(_ scores: [TaskScore]) -> [TaskScore] {
    guard scores.count > mostTasks else { return scores }
    return (0..<mostTasks).map { scores[$0 * (scores.count - 1) / (mostTasks - 1)] }
  }

  private static func task(
    _ score: TaskScore, of model: ModelRow, beside teacher: ModelRow?
  ) -> Headline {
    var detail =
      "teacher \(NumberText.text(TaskColumns.score(score.task, in: teacher?.scores ?? [])))"
    let difference = model.differences.first {
      $0.task == score.task && $0.other == teacher?.name
    }
    if let difference {
      detail += "; difference \(NumberText.text(difference.difference, signed: true))"
    }
    return Headline(name: score.task, value: NumberText.text(score.score), detail: detail)
  }

  private static func memory(_ bytes: Int, teacher: Int?, at context: Int?) -> Headline {
    let place = context.map { " at \(NumberText.count($0)) tokens" } ?? ""
    var detail = "teacher \(NumberText.bytes(teacher))"
    if let teacher, bytes > 0, teacher > 0 {
      detail += ": \(NumberText.number(Double(teacher) / Double(bytes), digits: 3)) times as much"
    }
    return Headline(
      name: "Memory of a sequence\(place)", value: NumberText.bytes(bytes), detail: detail)
  }

  private static func speedUp(_ curves: [ContextCurve]) -> Headline? {
    guard let teacher = curves.first(where: { $0.role == .teacher }),
      let searched = curves.first(where: { $0.role == .searched })
    else { return nil }
    let pairs = searched.points.compactMap { point -> (context: Int, ratio: Estimate)? in
      guard let rate = point.decodeTokensPerSecond,
        let other = teacher.points.first(where: { $0.context == point.context })?
          .decodeTokensPerSecond, let ratio = rate.ratio(to: other)
      else { return nil }
      return (point.context, ratio)
    }
    guard let longest = pairs.max(by: { $0.context < $1.context }) else { return nil }
    return Headline(
      name: "Decoding behind \(NumberText.count(longest.context)) tokens",
      value: NumberText.text(longest.ratio) + " ×", detail: "the rate of the teacher")
  }
}
