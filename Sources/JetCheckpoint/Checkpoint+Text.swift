import Foundation
import JetFormats
import JetModels
public import JetText

extension Checkpoint {
  /// The tokenizer: `tokenizer.json`, or `vocab.json` with `merges.txt`, or the lists of a GGUF file.
  ///
  /// - Throws: `TokenizerError`, ``CheckpointError`` or `FormatError` when there is none, or it is malformed or of a
  ///   kind that Jet does not know.
  public func tokenizer() throws -> Tokenizer {
    switch form {
    case .folder(let folder, _): try Tokenizer(contentsOf: folder)
    case .gguf(let file): try GGUFText(file).tokenizer()
    }
  }

  /// The template that writes a conversation as the model's text; nil when the checkpoint has none.
  ///
  /// `chat_template.jinja` is preferred, then `chat_template` of `tokenizer_config.json` (of several the one named
  /// `default`), or `tokenizer.chat_template` of a GGUF file.
  ///
  /// - Throws: ``CheckpointError`` for a file that cannot be read, `ChatTemplateError` for a template that cannot.
  public func chatTemplate() throws -> ChatTemplate? {
    let source =
      switch form {
      case .folder(let folder, _): try FolderText(folder).chatTemplate()
      case .gguf(let file): try GGUFText(file).chatTemplate()
      }
    return try source.map { try ChatTemplate($0) }
  }

  /// What a chat template may ask for by name: `bos_token`, `eos_token` and their like, where the checkpoint names
  /// them.
  ///
  /// - Throws: ``CheckpointError`` or `FormatError` for a file that cannot be read.
  public func templateVariables() throws -> [String: TemplateValue] {
    let tokens =
      switch form {
      case .folder(let folder, _): try FolderText(folder).specialTokens()
      case .gguf(let file): try GGUFText(file).specialTokens()
      }
    return tokens.mapValues { .string($0) }
  }

  /// The ids of the tokens that end a text, gathered from all files that name any.
  ///
  /// These are `eos_token_id` of `config.json` and `generation_config.json` and the tokenizer's own; of a GGUF file
  /// the end of text, of turn and of message.
  ///
  /// - Throws: ``CheckpointError``, `FormatError` or `TokenizerError` for a file that cannot be read.
  public func endTokens() throws -> Set<Int> {
    var tokens = Set(configuration.endTokens)
    switch form {
    case .folder(let folder, _):
      let text = FolderText(folder)
      tokens.formUnion(try text.generationEndTokens())
      if text.hasTokenizer { tokens.formUnion(try tokenizer().endOfTextIDs) }
    case .gguf(let file):
      tokens.formUnion(try GGUFText(file).endTokens())
    }
    return tokens
  }
}
