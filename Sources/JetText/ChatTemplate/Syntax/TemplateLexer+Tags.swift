/// The inside of `{{ … }}` and `{% … %}`.
extension TemplateLexer {
  /// Reads up to and over the end of a tag; the end is found only outside of brackets.
  mutating func tokenizeTag(_ begin: TemplateToken.Kind) throws {
    append(begin)
    let isBlock = begin == .blockBegin
    let ending = isBlock ? "%}" : "}}"
    var brackets: [String] = []
    while position < source.count {
      let scalar = source[position]
      if brackets.isEmpty {
        let isSigned =
          (scalar == "-" || isBlock && scalar == "+") && matches(ending, at: position + 1)
        if isSigned || matches(ending, at: position) {
          append(isBlock ? .blockEnd : .variableEnd)
          finishTag(sign: isSigned ? scalar : nil, trimsNewline: isBlock)
          return
        }
      }
      if isPythonSpace(scalar) {
        advance(to: position + 1)
      } else if ("0"..."9").contains(scalar) {
        try tokenizeNumber()
      } else if isNamePart(scalar) {
        var end = position
        while end < source.count, isNamePart(source[end]) { end += 1 }
        append(.name(text(position..<end)))
        advance(to: end)
      } else if scalar == "'" || scalar == "\"" {
        try tokenizeString(quote: scalar)
      } else {
        try tokenizeSymbol(&brackets)
      }
    }
    throw failure("the tag has no end '\(ending)'")
  }

  private func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || scalar.properties.isXIDContinue
  }

  private mutating func tokenizeSymbol(_ brackets: inout [String]) throws {
    let two = ["**", "//", "==", "!=", ">=", "<="].first { matches($0, at: position) }
    let symbol = two ?? String(source[position])
    guard two != nil || "+-/*%~[](){}><=.:|,;".contains(symbol) else {
      throw failure("unexpected character '\(symbol)' in a tag")
    }
    switch symbol {
    case "(": brackets.append(")")
    case "[": brackets.append("]")
    case "{": brackets.append("}")
    case ")", "]", "}":
      guard let expected = brackets.popLast() else { throw failure("unexpected '\(symbol)'") }
      guard expected == symbol else {
        throw failure("unexpected '\(symbol)', expected '\(expected)'")
      }
    default: break
    }
    append(.symbol(symbol))
    advance(to: position + symbol.unicodeScalars.count)
  }

  /// Returns the end of digits that single underscores may separate, or `nil` where none begin.
  private func endOfDigits(at start: Int, isDigit: (Unicode.Scalar) -> Bool) -> Int? {
    var end: Int?
    var index = start
    while index < source.count {
      if isDigit(source[index]) {
        end = index + 1
      } else if source[index] != "_" || end != index {
        break
      }
      index += 1
    }
    return end
  }

  private mutating func tokenizeNumber() throws {
    let isDecimal: (Unicode.Scalar) -> Bool = { ("0"..."9").contains($0) }
    let digits = endOfDigits(at: position, isDigit: isDecimal) ?? position
    var end = digits
    var isFloat = false
    if position == 0 || source[position - 1] != "." {
      if end < source.count, source[end] == ".",
        let fraction = endOfDigits(at: end + 1, isDigit: isDecimal)
      {
        end = fraction
        isFloat = true
      }
      if end < source.count, source[end] == "e" || source[end] == "E" {
        let exponent = sign(end + 1) ? end + 2 : end + 1
        if let exponentEnd = endOfDigits(at: exponent, isDigit: isDecimal) {
          end = exponentEnd
          isFloat = true
        }
      }
    }
    if isFloat {
      let literal = text(position..<end).filter { $0 != "_" }
      guard let number = Double(literal) else {
        throw failure("'\(excerpt(literal))' is no number")
      }
      append(.double(number))
      advance(to: end)
      return
    }
    try tokenizeInteger(decimalEnd: digits)
  }

  private func sign(_ index: Int) -> Bool {
    index < source.count && (source[index] == "-" || source[index] == "+")
  }

  private mutating func tokenizeInteger(decimalEnd: Int) throws {
    var radix = 10
    var start = position
    var end = decimalEnd
    if source[position] == "0", position + 1 < source.count {
      let radixes: [Unicode.Scalar: Int] = ["b": 2, "B": 2, "o": 8, "O": 8, "x": 16, "X": 16]
      if let prefixed = radixes[source[position + 1]] {
        let afterPrefix = matches("_", at: position + 2) ? position + 3 : position + 2
        let digitsEnd = endOfDigits(at: afterPrefix) {
          (Character($0).hexDigitValue).map { $0 < prefixed } ?? false
        }
        if let digitsEnd {
          radix = prefixed
          start = afterPrefix
          end = digitsEnd
        }
      } else {
        // "0" begins no longer decimal number than zeros.
        end = endOfDigits(at: position) { $0 == "0" } ?? end
      }
    }
    let literal = text(start..<end).filter { $0 != "_" }
    guard let number = Int(literal, radix: radix) else {
      throw failure("the whole number '\(excerpt(literal))' does not fit 64 bits")
    }
    append(.integer(number))
    advance(to: end)
  }

  private mutating func tokenizeString(quote: Unicode.Scalar) throws {
    var end = position + 1
    while end < source.count, source[end] != quote {
      end += source[end] == "\\" ? 2 : 1
    }
    guard end < source.count else { throw failure("the string has no end \(quote)") }
    append(.string(try unescaped(source[(position + 1)..<end])))
    advance(to: end + 1)
  }

  /// Python's escapes in string literals.
  private func unescaped(_ content: ArraySlice<Unicode.Scalar>) throws -> String {
    var result = String.UnicodeScalarView()
    var index = content.startIndex
    while index < content.endIndex {
      let scalar = content[index]
      index += 1
      guard scalar == "\\", index < content.endIndex else {
        result.append(scalar)
        continue
      }
      let escape = content[index]
      index += 1
      switch escape {
      case "\n": break
      case "\\", "'", "\"": result.append(escape)
      case "a": result.append("\u{07}")
      case "b": result.append("\u{08}")
      case "f": result.append("\u{0C}")
      case "n": result.append("\n")
      case "r": result.append("\r")
      case "t": result.append("\t")
      case "v": result.append("\u{0B}")
      case "x": result.append(try hexadecimal(content, &index, count: 2))
      case "u": result.append(try hexadecimal(content, &index, count: 4))
      case "U": result.append(try hexadecimal(content, &index, count: 8))
      case "N": throw failure("named characters '\\N{…}' are not read; write '\\u' and four digits")
      case "0"..."7":
        var value = escape.value - 0x30
        var count = 1
        while count < 3, index < content.endIndex, ("0"..."7").contains(content[index]) {
          value = value * 8 + content[index].value - 0x30
          index += 1
          count += 1
        }
        if let character = Unicode.Scalar(value) { result.append(character) }
      default:
        result.append("\\")
        result.append(escape)
      }
    }
    return String(result)
  }

  private func hexadecimal(
    _ content: ArraySlice<Unicode.Scalar>, _ index: inout Int, count: Int
  ) throws -> Unicode.Scalar {
    let digits = content[index...].prefix(count)
    guard digits.count == count, digits.allSatisfy({ Character($0).hexDigitValue != nil }),
      let value = UInt32(text(digits.startIndex..<digits.endIndex), radix: 16),
      let scalar = Unicode.Scalar(value)
    else { throw failure("an escape needs \(count) hexadecimal digits that name a character") }
    index += count
    return scalar
  }
}
