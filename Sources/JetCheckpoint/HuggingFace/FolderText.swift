import Foundation
import JetText

/// What the files beside the weights say of tokens and templates.
struct FolderText {
  private let folder: URL

  init(_ folder: URL) { self.folder = folder }

  /// Whether there is a tokenizer to be read.
  var hasTokenizer: Bool {
    ["tokenizer.json", "vocab.json"].contains {
      FileManager.default.fileExists(atPath: folder.appending(path: $0).path)
    }
  }

  /// The source of the chat template.
  func chatTemplate() throws -> String? {
    if let text = try SmallFile.text(of: folder.appending(path: "chat_template.jinja")) {
      return text
    }
    guard let reader = try reader("tokenizer_config.json"), reader.has("chat_template") else {
      return nil
    }
    guard reader.isList("chat_template") else {
      return try reader.string("chat_template")
    }
    let list = try reader.objects("chat_template") ?? []
    for entry in list where try entry.string("name") == "default" {
      return try entry.required("template", entry.string("template"))
    }
    let names = try list.compactMap { try $0.string("name").map(shown) }
    throw CheckpointError(
      "\(reader.file) has chat templates of the names \(names.joined(separator: ", ")) but none of the name default; "
        + "name one of them default")
  }

  /// The texts of the tokens that have a role.
  func specialTokens() throws -> [String: String] {
    var tokens: [String: String] = [:]
    let readers = [try reader("tokenizer_config.json"), try reader("special_tokens_map.json")]
    for reader in readers.compactMap({ $0 }) {
      for role in ["bos", "eos", "unk", "sep", "pad", "cls", "mask"] {
        let key = "\(role)_token"
        guard tokens[key] == nil, reader.has(key) else { continue }
        if reader.isObject(key) {
          let token = try reader.object(key)
          tokens[key] = try token.flatMap { try $0.required("content", $0.string("content")) }
        } else {
          tokens[key] = try reader.string(key)
        }
      }
    }
    return tokens
  }

  /// The ids that `generation_config.json` ends a text at.
  func generationEndTokens() throws -> [Int] {
    try reader("generation_config.json")?.integers("eos_token_id") ?? []
  }

  private func reader(_ name: String) throws -> ConfigurationReader? {
    let file = folder.appending(path: name)
    return try SmallFile.contents(of: file).map { try ConfigurationReader($0, file: file.path) }
  }
}
