import Foundation

/// A JSON value that keeps the order of its keys and compares them byte by byte.
///
/// Foundation's dictionaries take canonically equivalent keys for one, which a vocabulary must
/// not, and cannot say that a key came twice.
enum TokenizerJSON {
  case null
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([TokenizerJSON])
  case object([(key: String, value: TokenizerJSON)])

  /// The value written in `data`.
  ///
  /// - Throws: ``TokenizerError/malformed(file:reason:)`` for anything that is not one JSON value in
  ///   UTF-8.
  init(_ data: Data, file: String) throws(TokenizerError) {
    guard var text = String(data: data, encoding: .utf8) else {
      throw .malformed(file: file, reason: "it is not UTF-8 text")
    }
    let parsed = text.withUTF8 { bytes in
      var parser = TokenizerJSONParser(bytes)
      return Result { () throws(TokenizerJSONParser.Failure) in try parser.parseDocument() }
    }
    switch parsed {
    case .success(let value):
      self = value
    case .failure(let failure):
      throw .malformed(file: file, reason: "\(failure.reason) at byte \(failure.position)")
    }
  }

  /// The value in a few words, for messages.
  var summary: String {
    switch self {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): "\"\(value.shortened)\""
    case .array(let values): "an array of \(values.count)"
    case .object(let members): "an object of \(members.count)"
    }
  }
}
