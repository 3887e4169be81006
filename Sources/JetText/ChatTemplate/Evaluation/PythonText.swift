/// Returns whether Python's `str.isspace` holds for the scalar.
func isPythonSpace(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 9...13, 28...32, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000:
    true
  default: false
  }
}

/// Python's operations on strings, by scalar, within the budget of a render.
struct PythonText {
  let context: RenderContext

  // MARK: - Searching

  /// Returns the byte places of a text in another, not overlapping, at most `limit` of them.
  ///
  /// - Complexity: O(n + m) by Knuth, Morris and Pratt, so that hostile texts cost no more.
  func places(of part: String, in text: String, limit: Int = .max) throws -> [Int] {
    let part = Array(part.utf8)
    try context.scan(text.utf8.count + part.count)
    guard !part.isEmpty, limit > 0, part.count <= text.utf8.count else { return [] }
    try context.create(bytes: part.count * 8)
    // The length of the longest proper prefix of the part that ends at each of its places.
    var borders = Array(repeating: 0, count: part.count)
    var border = 0
    for index in part.indices.dropFirst() {
      while border > 0, part[border] != part[index] { border = borders[border - 1] }
      if part[border] == part[index] { border += 1 }
      borders[index] = border
    }
    var result: [Int] = []
    var matched = 0
    for (index, byte) in text.utf8.enumerated() {
      while matched > 0, part[matched] != byte { matched = borders[matched - 1] }
      if part[matched] == byte { matched += 1 }
      if matched == part.count {
        result.append(index + 1 - part.count)
        if result.count == limit { break }
        matched = 0
      }
    }
    try context.create(bytes: result.count * 8)
    return result
  }

  /// Returns the first byte place of a text in another.
  func firstPlace(of part: String, in text: String) throws -> Int? {
    part.isEmpty ? 0 : try places(of: part, in: text, limit: 1).first
  }

  /// Returns the scalar place of the first or last occurrence, or -1.
  func find(_ part: String, in text: String, fromEnd: Bool = false) throws -> Int {
    if part.isEmpty { return fromEnd ? text.unicodeScalars.count : 0 }
    guard fromEnd else {
      guard let place = try firstPlace(of: part, in: text) else { return -1 }
      return scalarCount(text, upTo: place)
    }
    let reversed = { (text: String) in
      String(String.UnicodeScalarView(text.unicodeScalars.reversed()))
    }
    try context.create(bytes: text.utf8.count)
    let backwards = reversed(text)
    guard let place = try firstPlace(of: reversed(part), in: backwards) else { return -1 }
    return text.unicodeScalars.count - scalarCount(backwards, upTo: place)
      - part.unicodeScalars.count
  }

  private func scalarCount(_ text: String, upTo place: Int) -> Int {
    text.unicodeScalars[..<text.utf8.index(text.startIndex, offsetBy: place)].count
  }

  func count(of part: String, in text: String) throws -> Int {
    part.isEmpty ? text.unicodeScalars.count + 1 : try places(of: part, in: text).count
  }

  /// Cuts a text at byte places where a part of `width` bytes stands.
  private func pieces(_ text: String, at places: [Int], width: Int) -> [Substring] {
    var result: [Substring] = []
    var start = text.startIndex
    var offset = 0
    for place in places {
      let end = text.utf8.index(start, offsetBy: place - offset)
      result.append(text[start..<end])
      start = text.utf8.index(end, offsetBy: width)
      offset = place + width
    }
    result.append(text[start...])
    return result
  }

  func replace(
    _ text: String, _ old: String, _ new: String, limit: Int = -1
  ) throws -> RuntimeValue {
    let limit = limit < 0 ? Int.max : limit
    let pieces: [String]
    var prefix = ""
    if old.isEmpty {
      // Python puts the new text before each scalar and at the end.
      let scalars = text.unicodeScalars
      try context.create(bytes: text.utf8.count * 16)
      guard limit > 0 else { return .string(text) }
      prefix = new
      let separate = scalars.prefix(limit - 1 < scalars.count ? limit - 1 : scalars.count)
      let rest = String(scalars.dropFirst(separate.count))
      pieces =
        separate.map { String($0) } + (rest.isEmpty && separate.count < limit - 1 ? [""] : [rest])
    } else {
      let places = try places(of: old, in: text, limit: limit)
      if places.isEmpty { return .string(text) }
      pieces = self.pieces(text, at: places, width: old.utf8.count).map { String($0) }
    }
    return try join(pieces, with: new, prefix: prefix)
  }

  func join(_ pieces: [String], with separator: String, prefix: String = "") throws -> RuntimeValue
  {
    var size = prefix.utf8.count
    for piece in pieces { size += piece.utf8.count }
    let (between, isOver) = separator.utf8.count.multipliedReportingOverflow(
      by: max(0, pieces.count - 1))
    try context.create(stringBytes: isOver ? Int.max / 2 : size + between)
    try context.spend(pieces.count / 8)
    return .string(prefix + pieces.joined(separator: separator))
  }

  // MARK: - Splitting

  func split(
    _ text: String, by separator: String?, limit: Int, fromEnd: Bool
  ) throws -> RuntimeValue {
    let limit = limit < 0 ? Int.max : limit
    let pieces: [Substring]
    if let separator {
      guard !separator.isEmpty else { throw context.invalid("the separator of 'split' is empty") }
      pieces = try self.pieces(
        text, at: splitPlaces(text, separator, limit: limit, fromEnd: fromEnd),
        width: separator.utf8.count)
    } else {
      try context.scan(text.utf8.count * 4)
      pieces = fromEnd ? wordsFromEnd(text, limit: limit) : words(text, limit: limit)
    }
    try context.create(stringBytes: text.utf8.count)
    return try context.list(pieces.map { .string(String($0)) })
  }

  private func splitPlaces(
    _ text: String, _ separator: String, limit: Int, fromEnd: Bool
  ) throws -> [Int] {
    guard fromEnd, limit < Int.max else { return try places(of: separator, in: text, limit: limit) }
    // From the end, overlapping occurrences resolve the other way round.
    let width = separator.utf8.count
    try context.create(bytes: text.utf8.count)
    let backwards = String(String.UnicodeScalarView(text.unicodeScalars.reversed()))
    let part = String(String.UnicodeScalarView(separator.unicodeScalars.reversed()))
    let places = try places(of: part, in: backwards, limit: limit)
    return places.reversed().map { text.utf8.count - $0 - width }
  }

  private func words(_ text: String, limit: Int) -> [Substring] {
    var result: [Substring] = []
    var rest = Substring(text).unicodeScalars.drop(while: isPythonSpace)
    while !rest.isEmpty {
      if result.count == limit {
        result.append(Substring(rest))
        break
      }
      let end = rest.firstIndex(where: isPythonSpace) ?? rest.endIndex
      result.append(Substring(rest[..<end]))
      rest = rest[end...].drop(while: isPythonSpace)
    }
    return result
  }

  private func wordsFromEnd(_ text: String, limit: Int) -> [Substring] {
    var result: [Substring] = []
    var rest = trimmingEnd(Substring(text).unicodeScalars)
    while !rest.isEmpty {
      if result.count == limit {
        result.append(Substring(rest))
        break
      }
      let start = rest.lastIndex(where: isPythonSpace).map { rest.index(after: $0) }
      result.append(Substring(rest[(start ?? rest.startIndex)...]))
      rest = trimmingEnd(rest[..<(start ?? rest.startIndex)])
    }
    return result.reversed()
  }

  private func trimmingEnd(
    _ text: Substring.UnicodeScalarView, while isTrimmed: (Unicode.Scalar) -> Bool = isPythonSpace
  ) -> Substring.UnicodeScalarView {
    var end = text.endIndex
    while end > text.startIndex, isTrimmed(text[text.index(before: end)]) {
      end = text.index(before: end)
    }
    return text[..<end]
  }

  /// Python's `splitlines` without the line ends.
  func lines(_ text: String, keepingEnds: Bool = false) throws -> [String] {
    try context.scan(text.utf8.count)
    try context.create(bytes: text.utf8.count)
    var result: [String] = []
    var line = String.UnicodeScalarView()
    var afterReturn = false
    var isOpen = false
    for scalar in text.unicodeScalars {
      if afterReturn {
        afterReturn = false
        if keepingEnds, scalar == "\n" { line.append(scalar) }
        result.append(String(line))
        line = String.UnicodeScalarView()
        isOpen = false
        if scalar == "\n" { continue }
      }
      isOpen = true
      switch scalar.value {
      case 10...13, 28...30, 0x85, 0x2028, 0x2029:
        if keepingEnds { line.append(scalar) }
        afterReturn = scalar == "\r"
        if !afterReturn {
          result.append(String(line))
          line = String.UnicodeScalarView()
          isOpen = false
        }
      default: line.append(scalar)
      }
    }
    if isOpen { result.append(String(line)) }
    try context.create(bytes: result.count * RenderContext.elementBytes)
    return result
  }

  // MARK: - Trimming and case

  func trim(
    _ text: String, of characters: String? = nil, start: Bool = true, end: Bool = true
  ) throws -> RuntimeValue {
    try context.scan(text.utf8.count)
    let set = characters.map { Set($0.unicodeScalars) }
    let isTrimmed = { (scalar: Unicode.Scalar) in set?.contains(scalar) ?? isPythonSpace(scalar) }
    var rest = Substring(text).unicodeScalars
    if start { rest = rest.drop(while: isTrimmed) }
    if end { rest = trimmingEnd(rest, while: isTrimmed) }
    return try context.string(String(rest))
  }

  func changingCase(_ text: String, _ change: (String) -> String) throws -> RuntimeValue {
    // No scalar becomes more than three scalars of its own size.
    try context.create(stringBytes: text.utf8.count)
    return .string(change(text))
  }

  static func capitalized(_ text: String) -> String {
    guard let first = text.unicodeScalars.first else { return text }
    return first.properties.titlecaseMapping
      + String(text.unicodeScalars.dropFirst()).lowercased()
  }

  /// Python's `str.title`: a letter after none is in title case, any other in lower case.
  static func titled(_ text: String) -> String {
    var result = ""
    var isInWord = false
    for scalar in text.unicodeScalars {
      let properties = scalar.properties
      result += isInWord ? properties.lowercaseMapping : properties.titlecaseMapping
      isInWord = properties.isCased
    }
    return result
  }

  /// Jinja's `title` filter, whose words begin after white space, `-`, `(`, `{`, `[` and `<`.
  static func titledByWords(_ text: String) -> String {
    var result = ""
    var isInWord = false
    for scalar in text.unicodeScalars {
      let properties = scalar.properties
      result += isInWord ? properties.lowercaseMapping : properties.uppercaseMapping
      isInWord = !isPythonSpace(scalar) && !"-({[<".unicodeScalars.contains(scalar)
    }
    return result
  }

  /// Python's `islower` and `isupper`: some letter has a case and all that have are of this one.
  static func isCased(_ text: String, upper: Bool) -> Bool {
    var hasCased = false
    for scalar in text.unicodeScalars {
      let properties = scalar.properties
      if upper ? properties.isLowercase : properties.isUppercase { return false }
      if properties.generalCategory == .titlecaseLetter { return false }
      hasCased = hasCased || properties.isLowercase || properties.isUppercase
    }
    return hasCased
  }
}
