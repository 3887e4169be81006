public import JetEvaluation
public import JetReport

extension Estimate {
  /// A score as the report has it.
  public init(_ score: Score, unit: Unit = .number) {
    self.init(score.value, standardError: score.standardError, unit: unit)
  }
}
