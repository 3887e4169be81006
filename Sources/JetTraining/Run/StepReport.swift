/// What a run says at an interval of steps: a line of text, and a line of JSON.
public struct StepReport: Codable, Hashable, Sendable {
  /// Steps done.
  public var step: Int
  /// Steps of the run.
  public var steps: Int
  /// The mean loss since the last report.
  public var loss: Double
  /// The means of its parts.
  public var parts: [String: Double]
  /// The learning rate of the last step.
  public var rate: Double
  /// The length of all gradients of the last step, before clipping; not finite ones are skipped steps.
  public var gradientNorm: Double
  /// Tokens read since the beginning.
  public var tokens: Int
  /// Tokens a second since the last report.
  public var tokensPerSecond: Double
  /// Steps that were skipped since the beginning.
  public var skipped: Int
  /// Memory of the run.
  public var memoryBytes: Int
  /// Seconds to the end at the present rate.
  public var secondsLeft: Double
  /// The share of the device's measured peak that the objective's products reached; nil where it does not count them.
  public var peakShare: Double?

  /// One line for people.
  public var line: String {
    let width = String(steps).count
    let number = String(step)
    let padded = String(repeating: " ", count: max(0, width - number.count)) + number
    var line =
      "step \(padded)/\(steps)  loss \(decimals(loss, 4))  rate \(scientific(rate))  "
      + "norm \(decimals(gradientNorm, 3))  \(count(tokens)) tokens  "
      + "\(count(Int(tokensPerSecond))) tok/s  \(decimals(Double(memoryBytes) / 1e9, 2)) GB  "
      + "\(duration(secondsLeft)) left"
    if let peakShare { line += "  \(decimals(100 * peakShare, 1)) % of peak" }
    if skipped > 0 { line += "  \(skipped) skipped" }
    return line
  }
}

private func decimals(_ value: Double, _ places: Int) -> String {
  guard value.isFinite, abs(value) < 1e9 else { return "\(value)" }
  var factor = 1.0
  for _ in 0..<places { factor *= 10 }
  let scaled = Int((abs(value) * factor).rounded())
  let digits = String(scaled)
  let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
  let sign = value < 0 && scaled > 0 ? "-" : ""
  return sign + padded.dropLast(places) + "." + padded.suffix(places)
}

private func scientific(_ value: Double) -> String {
  guard value > 0, value.isFinite else { return "\(value)" }
  var (mantissa, exponent) = (value, 0)
  while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
  while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
  return "\(decimals(mantissa, 2))e\(exponent)"
}

private func count(_ value: Int) -> String {
  switch value {
  case ..<10_000: "\(value)"
  case ..<1_000_000: decimals(Double(value) / 1e3, 1) + "K"
  case ..<1_000_000_000: decimals(Double(value) / 1e6, 2) + "M"
  default: decimals(Double(value) / 1e9, 3) + "G"
  }
}

private func duration(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds < 1e8 else { return "?" }
  let whole = Int(seconds.rounded())
  if whole < 60 { return "\(whole) s" }
  if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
  return "\(whole / 3600) h \(whole % 3600 / 60) min"
}
