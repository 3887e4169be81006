import JetModels
import JetTensor

/// The states of slots that a runner on pools keeps, by number.
struct KeptStates {
  private var states: [Int: SlotState] = [:]

  /// Keeps the states that some pieces name, which were read.
  mutating func keep(after pieces: [PromptPiece], in pools: StatePools) {
    for piece in pieces {
      if let number = piece.state { states[number] = pools.state(slot: piece.slot) }
    }
  }

  /// Puts a kept state into a slot; an empty one where `number` is nil.
  ///
  /// - Throws: ``EngineError/brokenRunner(_:)`` for a state that is not kept.
  func begin(_ number: Int?, slot: Int, in pools: StatePools) throws(EngineError) {
    guard let number else { return pools.clear(slot: slot) }
    guard let state = states[number] else { throw .brokenRunner("state \(number) is not kept") }
    pools.assign(state, slot: slot)
  }

  mutating func forget(_ number: Int) { states[number] = nil }
}
