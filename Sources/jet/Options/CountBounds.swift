import ArgumentParser

/// How large counts on the command line may be: products of two of them stay within `Int`.
enum CountBounds {
  /// The largest.
  static let most = 1 << 24

  /// Refuses counts out of bounds.
  ///
  /// - Throws: `ValidationError` that names the option.
  static func expect(_ name: String, _ values: [Int], from least: Int = 1) throws {
    for value in values where !(least...most).contains(value) {
      throw ValidationError("\(name) is \(value); give \(least) to \(most).")
    }
  }
}
