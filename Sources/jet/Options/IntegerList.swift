import ArgumentParser

/// Whole numbers with commas or spaces between.
struct IntegerList: ExpressibleByArgument, Equatable {
  let values: [Int]

  init(_ values: [Int]) { self.values = values }

  init?(argument: String) {
    let parts = argument.split { $0 == "," || $0.isWhitespace }
    let values = parts.compactMap { Int($0) }
    guard !values.isEmpty, values.count == parts.count else { return nil }
    self.values = values
  }

  var defaultValueDescription: String { values.map(String.init).joined(separator: ",") }
}
