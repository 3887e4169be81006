import JetModels

extension ModelConfiguration {
  /// The preset of that name.
  ///
  /// - Throws: ``CommandError`` that lists the names.
  static func preset(_ name: String) throws -> ModelConfiguration {
    guard let found = presets[name] else {
      throw CommandError(
        "There is no preset \(name); give one of \(presets.keys.sorted().joined(separator: ", ")).")
    }
    return found
  }
}
