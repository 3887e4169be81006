import JetTensor

/// Slots of a pool that calls take in turns, in no order: together several times the L2 cache of any GPU, so that each
/// call's states come from memory.
struct SlotTurns {
  /// Of the pool.
  let count: Int
  /// The slots of each turn, int32 on the GPU.
  let slots: [Tensor]

  init(rows: Int, stateBytes: Int, device: Device) {
    let turns = max(1, (512 << 20) / (rows * stateBytes))
    count = rows * turns
    let order = permuted(count).map(Int32.init)
    slots = (0..<turns).map {
      Tensor(Array(order[$0 * rows..<($0 + 1) * rows]), shape: [rows]).to(device)
    }
  }
}

/// 0 to `count` − 1 in an order of its own, always the same.
func permuted(_ count: Int) -> [Int] {
  var numbers = Array(0..<count)
  var state: UInt64 = 12345
  for last in stride(from: count - 1, to: 0, by: -1) {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    numbers.swapAt(last, Int((state >> 33) % UInt64(last + 1)))
  }
  return numbers
}
