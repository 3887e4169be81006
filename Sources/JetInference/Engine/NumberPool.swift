/// Numbers from 1 that are taken and given back: a runner's slots, or its pages.
struct NumberPool: Sendable {
  /// How many numbers there are.
  let count: Int
  /// The free ones; the last is taken first.
  private var free: [Int]
  private var isTaken: [Bool]

  /// All numbers from 1 to `count`, free.
  init(count: Int) {
    precondition(count >= 1, "a pool of \(count) numbers")
    self.count = count
    free = Array((1...count).reversed())
    isTaken = Array(repeating: false, count: count + 1)
  }

  /// How many are free.
  var freeCount: Int { free.count }
  /// How many are taken.
  var takenCount: Int { count - free.count }

  /// Takes so many, or none and returns nil where fewer are free.
  mutating func take(_ count: Int) -> [Int]? {
    guard count <= free.count else { return nil }
    let taken = Array(free.suffix(count).reversed())
    free.removeLast(count)
    for number in taken { isTaken[number] = true }
    return taken
  }

  /// Takes one.
  mutating func take() -> Int? { take(1)?.first }

  /// Gives numbers back.
  ///
  /// - Precondition: each was taken.
  mutating func give(_ numbers: [Int]) {
    for number in numbers {
      precondition(
        isTaken.indices.contains(number) && isTaken[number],
        "\(number) was given back to a pool of \(count), but not taken from it")
      isTaken[number] = false
      free.append(number)
    }
  }
}
