import Testing

@testable import JetInference

struct NumberPoolTests {
  @Test func `numbers are taken once and can be taken again`() {
    var pool = NumberPool(count: 5)
    let first = pool.take(3) ?? []
    let second = pool.take(2) ?? []
    #expect(Set(first + second) == [1, 2, 3, 4, 5])
    #expect(pool.freeCount == 0 && pool.takenCount == 5)
    #expect(pool.take() == nil)
    pool.give(first)
    #expect(pool.freeCount == 3)
    #expect(pool.take(4) == nil)
    #expect(pool.freeCount == 3)
    #expect(Set(pool.take(3) ?? []) == Set(first))
    #expect(pool.take(0) == [])
  }

  @Test func `a shared number is free when all its holders have given it back`() async {
    var pool = NumberPool(count: 2)
    let taken = pool.take(1) ?? []
    pool.share(taken)
    pool.share(taken)
    #expect(pool.holders(of: taken[0]) == 3 && pool.freeCount == 1)
    pool.give(taken)
    pool.give(taken)
    #expect(pool.holders(of: taken[0]) == 1 && pool.freeCount == 1)
    pool.give(taken)
    #expect(pool.holders(of: taken[0]) == 0 && pool.freeCount == 2)
    await #expect(processExitsWith: .failure) {
      var pool = NumberPool(count: 2)
      pool.share([1])
    }
  }

  @Test func `a number that is given back twice traps`() async {
    await #expect(processExitsWith: .failure) {
      var pool = NumberPool(count: 2)
      let taken = pool.take(2) ?? []
      pool.give(taken)
      pool.give(taken)
    }
  }

  @Test func `a number that was never taken traps`() async {
    await #expect(processExitsWith: .failure) {
      var pool = NumberPool(count: 2)
      pool.give([3])
    }
  }
}
