/// A binary heap in an array, the least value first.
enum MinimumHeap {
  /// Makes a heap of unordered values in O(n).
  static func order(_ values: inout [UInt64]) {
    for index in stride(from: values.count / 2 - 1, through: 0, by: -1) { sink(index, &values) }
  }

  /// Adds a value in O(log n).
  static func insert(_ value: UInt64, into values: inout [UInt64]) {
    values.append(value)
    var index = values.count - 1
    while index > 0 {
      let parent = (index - 1) / 2
      guard values[parent] > value else { break }
      values[index] = values[parent]
      index = parent
    }
    values[index] = value
  }

  /// Removes the least value in O(log n); nil if there is none.
  static func removeLeast(_ values: inout [UInt64]) -> UInt64? {
    guard let least = values.first, let last = values.popLast() else { return nil }
    if !values.isEmpty {
      values[0] = last
      sink(0, &values)
    }
    return least
  }

  private static func sink(_ start: Int, _ values: inout [UInt64]) {
    let value = values[start]
    var index = start
    while true {
      var child = 2 * index + 1
      guard child < values.count else { break }
      if child + 1 < values.count, values[child + 1] < values[child] { child += 1 }
      guard values[child] < value else { break }
      values[index] = values[child]
      index = child
    }
    values[index] = value
  }
}
