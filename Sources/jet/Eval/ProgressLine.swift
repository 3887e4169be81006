import Foundation
import JetEvaluation

/// Shows how far an evaluation is, on standard error: a line that is written over at a terminal, a
/// line now and then in a file.
struct ProgressLine {
  private let isTerminal: Bool
  private let clock = ContinuousClock()
  private var start: ContinuousClock.Instant
  private var last: ContinuousClock.Instant?

  init(isTerminal: Bool) {
    self.isTerminal = isTerminal
    start = clock.now
  }

  /// Starts the clock of a task.
  mutating func begin() { (start, last) = (clock.now, nil) }

  /// Shows progress, where enough time has gone by.
  ///
  /// - Parameter known: answers of this task that came from the cache, which say nothing about the
  ///   rate.
  mutating func show(_ progress: EvaluationProgress, known: Int) {
    let now = clock.now
    let pause: Duration = isTerminal ? .milliseconds(200) : .seconds(15)
    guard now - (last ?? start) >= pause || progress.done == progress.total else { return }
    last = now
    let line = Self.line(progress, seconds: Self.seconds(now - start), known: known)
    if isTerminal {
      FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8))
      if progress.done == progress.total { FileHandle.standardError.write(Data("\n".utf8)) }
    } else {
      Terminal.note(line)
    }
  }

  /// `piqa: 120 of 400 requests, 31.5 a second, 9 s left`.
  static func line(_ progress: EvaluationProgress, seconds: Double, known: Int) -> String {
    var text =
      "\(progress.task): \(Numbers.grouped(progress.done)) of \(Numbers.grouped(progress.total)) "
      + "requests"
    let own = progress.done - known
    guard own > 0, seconds > 0 else { return text }
    let rate = Double(own) / seconds
    text += ", \(Numbers.short(rate)) a second"
    if progress.done < progress.total {
      text += ", \(duration(Double(progress.total - progress.done) / rate)) left"
    }
    return text
  }

  private static func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    return whole < 120
      ? "\(whole) s"
      : whole < 7200 ? "\(whole / 60) min" : "\(whole / 3600) h \(whole / 60 % 60) min"
  }

  static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
  }
}
