/// Numbers from 1 that are taken, shared and given back: a runner's slots, or its pages.
struct NumberPool: Sendable {
  /// How many numbers there are.
  let count: Int
  /// The free ones; the last is taken first.
  private var free: [Int]
  /// How many hold each number.
  private var holders: [Int]

  /// All numbers from 1 to `count`, free.
  init(count: Int) {
    precondition(count >= 1, "a pool of \(count) numbers")
    self.count = count
    free = Array((1...count).reversed())
    holders = Array(repeating: 0, count: count + 1)
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
    for number in taken { holders[number] = 1 }
    return taken
  }

  /// Takes one.
  mutating func take() -> Int? { take(1)?.first }

  /// How many hold a number; 0 for a free one.
  func holders(of number: Int) -> Int { holders[number] }

  /// One more holds each number.
  ///
  /// - Precondition: each was taken.
  mutating func share(_ numbers: [Int]) {
    for number in numbers {
      expectTaken(number)
      holders[number] += 1
    }
  }

  /// One holds each number no more; without holders it is free.
  ///
  /// - Precondition: each was taken.
  mutating func give(_ numbers: [Int]) {
    for number in numbers {
      expectTaken(number)
      holders[number] -= 1
      if holders[number] == 0 { free.append(number) }
    }
  }

  private func expectTaken(_ number: Int) {
    precondition(
      holders.indices.contains(number) && holders[number] > 0,
      "\(number) is not taken from a pool of \(count), and was shared or given back")
  }
}
