import ArgumentParser
import JetCheckpoint
import JetText

/// Texts to token ids and back.
struct Tokenize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turn texts into token ids, or ids into texts with --decode.",
    discussion: """
      Prints one JSON object a text: {"ids":[…]}, or {"text":"…"} with --decode.

      EXAMPLES
        jet tokenize smollm2-135m "Hello, world!"
        jet tokenize smollm2-135m --jsonl texts.jsonl > ids.jsonl
        jet tokenize smollm2-135m --decode 19556,28,905,17
        jet tokenize smollm2-135m --decode --jsonl ids.jsonl
      """)

  @OptionGroup var model: ModelArgument

  @Argument(help: "The text; with --decode ids with commas or spaces between.")
  var text: String?

  @Option(
    help: ArgumentHelp(
      "Texts ({\"text\": …} or a JSON string a line), or ids with --decode; - is standard input.",
      valueName: "file"),
    completion: .file(extensions: ["jsonl"]))
  var jsonl: String?

  @Flag(help: "Turn ids into text.")
  var decode = false

  @Flag(
    inversion: .prefixedNo,
    help: "Read special tokens written in the text as such; with --decode, write them.")
  var special = true

  @Flag(
    inversion: .prefixedNo, help: "Add the tokens that the tokenizer puts around a text.")
  var prefix = true

  func validate() throws {
    guard (text == nil) != (jsonl == nil) else {
      throw ValidationError(
        text == nil
          ? "There is no text; give one, or --jsonl." : "Give a text or --jsonl, not both.")
    }
  }

  func run() throws {
    let tokenizer = try model.checkpoint().tokenizer()
    if let text {
      if decode {
        let line = TextLines.Line(text: text, place: "The argument")
        return try write(try line.decodedIDs(), place: line.place, tokenizer)
      }
      return try write(text, tokenizer)
    }
    try TextLines(jsonl ?? "-").forEach { line in
      if decode {
        try write(try line.decodedIDs(), place: line.place, tokenizer)
      } else {
        try write(try line.decodedText(), tokenizer)
      }
    }
  }

  private func write(_ text: String, _ tokenizer: Tokenizer) throws {
    struct Output: Encodable { let ids: [Int] }
    let ids = tokenizer.encode(text, addSpecialTokens: prefix, parseSpecialTokens: special)
    try Terminal.print(jsonLine(Output(ids: ids)))
  }

  private func write(_ ids: [Int], place: String, _ tokenizer: Tokenizer) throws {
    struct Output: Encodable { let text: String }
    let size = tokenizer.vocabularySize
    if let id = ids.first(where: { $0 < 0 || $0 >= size }) {
      throw CommandError(
        "\(place) has the token \(id), and the vocabulary has ids from 0 to \(size - 1); "
          + "use ids of this model.")
    }
    let text = tokenizer.decode(ids, skipSpecialTokens: !special)
    try Terminal.print(jsonLine(Output(text: text)))
  }
}
