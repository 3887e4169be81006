import Testing

@testable import JetTraining

@Suite("Schedule")
struct ScheduleTests {
  @Test("warm-up rises evenly, the plateau holds, the decay ends at its last step")
  func stable() {
    let schedule = Schedule(shape: .stable, warmupSteps: 4, decaySteps: 5, finalFraction: 0.5)
    let values = (0..<20).map { schedule.fraction(step: $0, of: 20) }
    #expect(values[0..<4].elementsEqual([0.25, 0.5, 0.75, 1]))
    #expect(values[4..<16].allSatisfy { $0 == 1 })
    #expect(zip(values[16...], [0.9, 0.8, 0.7, 0.6]).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(schedule.fraction(step: 20, of: 20) == 0.5)
    #expect(schedule.fraction(step: 99, of: 20) == 0.5)
  }

  @Test("the cosine begins at the peak, halves in the middle and ends at its last part")
  func cosine() {
    let schedule = Schedule(shape: .cosine, warmupSteps: 10, finalFraction: 0.1)
    #expect(schedule.fraction(step: 10, of: 110) == 1)
    #expect(abs(schedule.fraction(step: 60, of: 110) - 0.55) < 1e-12)
    #expect(abs(schedule.fraction(step: 110, of: 110) - 0.1) < 1e-12)
    let values = (10...110).map { schedule.fraction(step: $0, of: 110) }
    #expect(zip(values, values.dropFirst()).allSatisfy { $0 > $1 })
  }

  @Test("without warm-up or decay it is constant")
  func constant() {
    let schedule = Schedule(shape: .constant, warmupSteps: 0)
    #expect((0..<9).allSatisfy { schedule.fraction(step: $0, of: 9) == 1 })
    let none = Schedule(shape: .stable, warmupSteps: 0, decaySteps: 0)
    #expect((0..<9).allSatisfy { none.fraction(step: $0, of: 9) == 1 })
  }
}
