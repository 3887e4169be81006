/// What a search tells while it works.
public struct SearchProgress: Sendable {
  /// The stage.
  public var stage: SearchStage
  /// What is worked on.
  public var unit: String
  /// The unit's place among ``count``, from 1.
  public var index: Int
  /// Units of the stage.
  public var count: Int
  /// What happened, in words.
  public var text: String
  /// Seconds to the end of the unit, where they are known.
  public var secondsLeft: Double?
  /// Seconds to the end of the whole run by the tokens that are left, where they are known.
  public var runSecondsLeft: Double?

  /// `[3/8 blocks] gla, 2 of 3: step 40/100 …`
  public var line: String {
    var line = "[\(stage.number)/\(SearchStage.allCases.count - 1) \(stage.title)] "
    if !unit.isEmpty { line += unit }
    if count > 1 { line += ", \(index) of \(count)" }
    line += ": \(text)"
    if let runSecondsLeft { line += "; all training done in about \(duration(runSecondsLeft))" }
    return line
  }
}

/// Seconds for people.
func duration(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds >= 0, seconds < 1e8 else { return "?" }
  let whole = Int(seconds.rounded())
  if whole < 60 { return "\(whole) s" }
  if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
  return "\(whole / 3600) h \(whole % 3600 / 60) min"
}
