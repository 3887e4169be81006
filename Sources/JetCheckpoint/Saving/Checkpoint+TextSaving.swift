public import Foundation
import JetFormats
import JetText

extension Checkpoint {
  /// Files of a folder that say how text becomes tokens and tokens a conversation.
  private static let textFiles = [
    "tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "generation_config.json", "chat_template.jinja",
  ]

  /// Writes tokenizer, end tokens and chat template beside a model that was made of this one.
  ///
  /// The files of a folder are copied as they are; the lists of a GGUF file become `tokenizer.json`,
  /// `tokenizer_config.json`, `generation_config.json` and `chat_template.jinja`.
  ///
  /// - Throws: ``CheckpointError`` or `FormatError` for what cannot be read or written.
  public func saveText(to folder: URL) throws {
    switch form {
    case .folder(let source, _):
      for name in Self.textFiles {
        guard let data = try SmallFile.contents(of: source.appending(path: name)) else { continue }
        try AtomicFile.write(data, to: folder.appending(path: name))
      }
    case .gguf(let file):
      let text = GGUFText(file)
      func write(_ value: JSONText, _ name: String) throws {
        try AtomicFile.write(
          Data((value.written() + "\n").utf8), to: folder.appending(path: name))
      }
      try write(try text.tokenizerJSON(), "tokenizer.json")
      let special = try text.specialTokens().filter {
        $0.key == "bos_token" || $0.key == "eos_token"
      }
      try write(
        .object(
          [("tokenizer_class", .string("PreTrainedTokenizerFast"))]
            + special.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }),
        "tokenizer_config.json")
      try write(
        .object([("eos_token_id", .list(try text.endTokens().map { .integer($0) }))]),
        "generation_config.json")
      if let template = try text.chatTemplate() {
        try AtomicFile.write(
          Data(template.utf8), to: folder.appending(path: "chat_template.jinja"))
      }
    }
  }
}
