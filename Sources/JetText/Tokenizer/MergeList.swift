/// Merges as lines of text: two tokens with a space between.
enum MergeList {
  /// The two tokens of a line, or nil if it does not hold exactly one space between two tokens.
  static func merge(_ line: String) -> (left: String, right: String)? {
    let bytes = line.utf8
    guard let space = bytes.firstIndex(of: ASCII.space), space != bytes.startIndex else {
      return nil
    }
    let rest = bytes[bytes.index(after: space)...]
    guard !rest.isEmpty, !rest.contains(ASCII.space) else { return nil }
    return (String(line[..<space]), String(Substring(rest)))
  }

  /// The merges of `lines`, which `name` calls by name in `file`.
  static func merges(
    _ lines: [String], file: String, name: String
  ) throws(TokenizerError) -> [(left: String, right: String)] {
    var merges: [(left: String, right: String)] = []
    merges.reserveCapacity(lines.count)
    for (index, line) in lines.enumerated() {
      guard let merge = merge(line) else {
        throw .invalid(
          file: file, key: "\(name) \(index)", found: "\"\(line.shortened)\"",
          expected: "two tokens with a space between")
      }
      merges.append(merge)
    }
    return merges
  }
}
