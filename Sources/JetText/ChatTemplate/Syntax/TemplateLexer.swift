/// Splits a template's source into tokens and applies white-space control.
///
/// It does what Jinja does with `trim_blocks` and `lstrip_blocks`: a newline after a block or
/// comment goes, and so does the white space before one that stands first on its line; `-` strips
/// all white space on its side and `+` keeps it.
///
/// - Source: Jinja 3.1 `lexer.py`, `Lexer.tokeniter`.
struct TemplateLexer {
  let source: [Unicode.Scalar]
  var position = 0
  var line = 1
  var tokens: [TemplateToken] = []
  /// Whether what was read last ended with a newline, or nothing was read yet.
  private var isAtLineStart = true

  init(_ text: String) {
    source = Self.withNormalizedNewlines(text)
  }

  /// Newlines of all three kinds become `\n`, and one at the end goes.
  private static func withNormalizedNewlines(_ text: String) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.utf8.count)
    var afterReturn = false
    for scalar in text.unicodeScalars {
      if !(afterReturn && scalar == "\n") { result.append(scalar == "\r" ? "\n" : scalar) }
      afterReturn = scalar == "\r"
    }
    if result.last == "\n" { result.removeLast() }
    return result
  }

  mutating func tokenize() throws -> [TemplateToken] {
    while position < source.count {
      guard let begin = nextTag() else {
        append(.data(text(position..<source.count)))
        advance(to: source.count)
        break
      }
      if let raw = rawBegin(at: begin) {
        appendData(upTo: begin, sign: raw.sign, stripsLine: true)
        advance(to: raw.end)
        isAtLineStart = source[position - 1] == "\n"
        try tokenizeRaw()
        continue
      }
      let sign = self.sign(at: begin + 2)
      appendData(upTo: begin, sign: sign, stripsLine: source[begin + 1] != "{")
      advance(to: begin + (sign == nil ? 2 : 3))
      isAtLineStart = false
      switch source[begin + 1] {
      case "#": try skipComment()
      case "%": try tokenizeTag(.blockBegin)
      default: try tokenizeTag(.variableBegin)
      }
    }
    append(.end)
    return tokens
  }

  private func nextTag() -> Int? {
    var index = position
    while index + 1 < source.count {
      if source[index] == "{", "{%#".unicodeScalars.contains(source[index + 1]) { return index }
      index += 1
    }
    return nil
  }

  private func sign(at index: Int) -> Unicode.Scalar? {
    index < source.count && (source[index] == "-" || source[index] == "+") ? source[index] : nil
  }

  /// Appends the text before a tag without what the tag strips from its end.
  private mutating func appendData(upTo begin: Int, sign: Unicode.Scalar?, stripsLine: Bool) {
    var end = begin
    if sign == "-" {
      while end > position, isPythonSpace(source[end - 1]) { end -= 1 }
    } else if sign == nil, stripsLine {
      let newline = source[position..<begin].lastIndex(of: "\n")
      let lineStart = newline.map { $0 + 1 } ?? position
      if newline != nil || isAtLineStart,
        source[lineStart..<begin].allSatisfy(isPythonSpace)
      {
        end = lineStart
      }
    }
    if end > position { append(.data(text(position..<end))) }
    advance(to: begin)
  }

  private mutating func skipComment() throws {
    while position < source.count {
      let isSigned = sign(at: position) != nil && matches("#}", at: position + 1)
      if isSigned || matches("#}", at: position) {
        finishTag(sign: isSigned ? source[position] : nil, trimsNewline: true)
        return
      }
      advance(to: position + 1)
    }
    throw failure("the comment has no end '#}'")
  }

  /// Moves over `-%}`, `+%}` or `%}` (of any tag) and the white space that it strips after it.
  mutating func finishTag(sign: Unicode.Scalar?, trimsNewline: Bool) {
    var end = position + (sign == nil ? 2 : 3)
    if sign == "-" {
      while end < source.count, isPythonSpace(source[end]) { end += 1 }
    } else if sign == nil, trimsNewline, end < source.count, source[end] == "\n" {
      end += 1
    }
    advance(to: end)
    isAtLineStart = source[end - 1] == "\n"
  }

  private func afterSpaces(_ index: Int) -> Int {
    var index = index
    while index < source.count, isPythonSpace(source[index]) { index += 1 }
    return index
  }

  /// Recognizes `{% raw %}`, after which a newline stays.
  private func rawBegin(at begin: Int) -> (sign: Unicode.Scalar?, end: Int)? {
    guard matches("{%", at: begin) else { return nil }
    let sign = self.sign(at: begin + 2)
    var index = afterSpaces(begin + (sign == nil ? 2 : 3))
    guard matches("raw", at: index) else { return nil }
    index = afterSpaces(index + 3)
    if matches("-%}", at: index) { return (sign, afterSpaces(index + 3)) }
    return matches("%}", at: index) ? (sign, index + 2) : nil
  }

  private mutating func tokenizeRaw() throws {
    var begin = position
    while begin < source.count {
      if matches("{%", at: begin) {
        let sign = self.sign(at: begin + 2)
        var index = afterSpaces(begin + (sign == nil ? 2 : 3))
        if matches("endraw", at: index) {
          index = afterSpaces(index + 6)
          let endSign = self.sign(at: index)
          if matches("%}", at: endSign == nil ? index : index + 1) {
            appendData(upTo: begin, sign: sign, stripsLine: true)
            advance(to: index)
            finishTag(sign: endSign, trimsNewline: true)
            return
          }
        }
      }
      begin += 1
    }
    throw failure("the raw block has no end '{% endraw %}'")
  }

  // MARK: - Reading

  func matches(_ text: String, at index: Int) -> Bool {
    guard index + text.unicodeScalars.count <= source.count else { return false }
    return zip(text.unicodeScalars, source[index...]).allSatisfy { $0 == $1 }
  }

  func text(_ range: Range<Int>) -> String {
    var result = String.UnicodeScalarView()
    result.append(contentsOf: source[range])
    return String(result)
  }

  mutating func advance(to end: Int) {
    for scalar in source[position..<end] where scalar == "\n" { line += 1 }
    position = end
  }

  mutating func append(_ kind: TemplateToken.Kind) {
    tokens.append(TemplateToken(kind: kind, line: line))
  }

  func failure(_ reason: String) -> ChatTemplateError {
    ChatTemplateError(.syntax, line: line, reason)
  }
}
