/// A JSON value together with where it stands, so that every complaint names its key.
struct TokenizerField {
  /// The name of the file.
  let file: String
  /// The path of keys from the top, as `model.vocab`; empty at the top.
  let path: String
  let value: TokenizerJSON

  init(file: String, path: String = "", value: TokenizerJSON) {
    self.file = file
    self.path = path
    self.value = value
  }

  private var name: String { path.isEmpty ? "the top value" : path }

  /// The complaint that this value is not what `expected` says.
  func invalid(expected: String) -> TokenizerError {
    .invalid(file: file, key: name, found: value.summary, expected: expected)
  }

  /// The complaint that this value, though legal, is not carried out here.
  func unsupported(_ supported: String) -> TokenizerError {
    .unsupported(file: file, key: name, found: value.summary, supported: supported)
  }

  /// Whether the value is null.
  var isNull: Bool {
    if case .null = value { true } else { false }
  }

  func string() throws(TokenizerError) -> String {
    guard case .string(let text) = value else { throw invalid(expected: "a string") }
    return text
  }

  func boolean() throws(TokenizerError) -> Bool {
    guard case .boolean(let flag) = value else { throw invalid(expected: "true or false") }
    return flag
  }

  func integer() throws(TokenizerError) -> Int {
    guard case .integer(let number) = value else { throw invalid(expected: "an integer") }
    return number
  }

  func array() throws(TokenizerError) -> [TokenizerField] {
    guard case .array(let values) = value else { throw invalid(expected: "an array") }
    return values.enumerated().map { index, value in
      TokenizerField(file: file, path: "\(path)[\(index)]", value: value)
    }
  }

  /// The members of an object in which every key comes once and is one of `allowed`.
  func object(
    allowed: Set<String>? = nil
  ) throws(TokenizerError) -> [String: TokenizerField] {
    guard case .object(let members) = value else { throw invalid(expected: "an object") }
    var result: [String: TokenizerField] = [:]
    for (key, value) in members {
      let keyPath = path.isEmpty ? key.shortened : "\(path).\(key.shortened)"
      let field = TokenizerField(file: file, path: keyPath, value: value)
      if let allowed, !allowed.contains(key) {
        throw field.unsupported("the keys \(allowed.sorted().joined(separator: ", "))")
      }
      guard result.updateValue(field, forKey: key) == nil else {
        throw .invalid(file: file, key: keyPath, found: "there twice", expected: "once")
      }
    }
    return result
  }
}

extension [String: TokenizerField] {
  /// The member `key` unless it is absent or null.
  func present(_ key: String) -> TokenizerField? {
    guard let field = self[key], !field.isNull else { return nil }
    return field
  }

  /// The flag `key`, or `fallback` where it is absent or null.
  func flag(_ key: String, default fallback: Bool) throws(TokenizerError) -> Bool {
    guard let field = present(key) else { return fallback }
    return try field.boolean()
  }

  /// The member `key` of the object that `owner` is.
  func required(_ key: String, of owner: TokenizerField) throws(TokenizerError) -> TokenizerField {
    guard let field = self[key] else {
      let path = owner.path.isEmpty ? key : "\(owner.path).\(key)"
      throw .invalid(file: owner.file, key: path, found: "absent", expected: "a value")
    }
    return field
  }
}
