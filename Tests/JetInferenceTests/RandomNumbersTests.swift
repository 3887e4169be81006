import Testing

@testable import JetInference

/// The expected numbers come from Python integers taken modulo 2⁶⁴; the first five of splitmix64 and
/// the first ten of xoshiro256** are the ones its authors' C code prints.
struct RandomNumbersTests {
  @Test func `splitmix64 gives the published numbers`() {
    var state: UInt64 = 1_234_567
    #expect(
      (0..<5).map { _ in RandomNumbers.splitMix(&state) } == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
      ])
  }

  @Test func `xoshiro256** gives the published numbers`() {
    var random = RandomNumbers(state: (1, 2, 3, 4))
    #expect(
      (0..<10).map { _ in random.next() } == [
        11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360,
        607_988_272_756_665_600, 16_172_922_978_634_559_625, 8_476_171_486_693_032_832,
        10_595_114_339_597_558_777, 2_904_607_092_377_533_576,
      ])
  }

  @Test func `a seed fills the state by splitmix64`() {
    var zero = RandomNumbers(seed: 0)
    var other = RandomNumbers(seed: 42)
    #expect(zero.next() == 11_091_344_671_253_066_420)
    #expect(other.next() == 1_546_998_764_402_558_742)
  }

  @Test func `a unit lies from 0 to below 1`() {
    var random = RandomNumbers(seed: 1)
    #expect((0..<10_000).allSatisfy { _ in (0..<1).contains(random.nextUnit()) })
  }
}
