import Foundation
import JetCheckpoint
import JetModels
import JetTensor
import JetText

extension Checkpoint {
  init(_ path: String) throws { try self.init(folder: URL(filePath: path)) }
  var storedByteCount: Int { 0 }
  var defaultDType: DType { .bfloat16 }
  func tokenizer() throws -> Tokenizer { try Tokenizer(contentsOf: URL(filePath: path)) }
  func chatTemplate() throws -> ChatTemplate? { nil }
  func templateVariables() throws -> [String: TemplateValue] { [:] }
  func endTokens() throws -> Set<Int> { [] }
}
