import JetInference
import JetText

/// Text from tokens as they come, up to a stop text.
struct TextStream {
  /// All text that was given out.
  private(set) var text = ""
  /// Whether a stop text was found.
  private(set) var isStopped = false
  private var decoder: StreamDecoder
  private var stops: StopStrings

  /// - Parameter stops: texts that end the stream and are not part of it.
  init(_ tokenizer: Tokenizer, stops: [String] = []) throws {
    decoder = tokenizer.makeStreamDecoder(skipSpecialTokens: true)
    self.stops = try StopStrings(stops)
  }

  /// The text that is certain with this token.
  mutating func append(_ token: Int) -> String { take(decoder.append(token)) }

  /// What was held back, at the end.
  mutating func finish() -> String {
    let last = take(decoder.finish())
    let held = isStopped ? "" : stops.finish()
    text += held
    return last + held
  }

  private mutating func take(_ piece: String) -> String {
    let (emitted, stopped) = stops.append(piece)
    isStopped = stopped
    text += emitted
    return emitted
  }
}
