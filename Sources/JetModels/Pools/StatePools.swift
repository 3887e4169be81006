import JetKernels
import JetTensor

/// The state of many sequences, in pools that are made once: a sequence has a slot and, for its keys and values, pages.
///
/// Sequences come and go by index only; kernels read and write the pools in place.
public final class StatePools {
  /// What a layer keeps.
  enum Pool {
    /// Keys and values of all tokens, `[P, G, C, Dh]` each.
    case pages(keys: Tensor, values: Tensor)
    /// Keys and values of a window, a ring a slot, `[S, G, window, Dh]` each.
    case ring(keys: Tensor, values: Tensor)
    /// Memory `[S, H, K, V]` and window `[S, D, W]`.
    case recurrent(RecurrentState)
  }

  /// How much there is room for.
  public let sizes: PoolSizes
  let layers: [Pool]
  private let turning: [Int: RotaryFrequencies]

  /// Pools for a model, all zeros.
  ///
  /// - Throws: ``ModelError`` when their size cannot be counted; what libtorch reports when memory is refused.
  public init(_ model: HybridModel, sizes: PoolSizes) throws {
    self.sizes = sizes
    turning = try Self.frequencies(of: model)
    let (dtype, device) = (model.dtype, model.embedding.device)
    layers = try withTorchErrors {
      model.configuration.mixers.map { mixer in
        switch mixer.sort {
        case .attention(let attention):
          let isRing = attention.window != nil
          let shape = [
            isRing ? sizes.slots + 1 : sizes.pages + 1, attention.keyValueHeads,
            attention.window ?? sizes.pageTokens, attention.headWidth,
          ]
          let keys = Tensor.zeros(shape, dtype: dtype, device: device)
          let values = Tensor.zeros(shape, dtype: dtype, device: device)
          return isRing ? .ring(keys: keys, values: values) : .pages(keys: keys, values: values)
        case .linear(let linear):
          return .recurrent(linear.state(sequences: sizes.slots + 1, dtype: dtype, device: device))
        }
      }
    }
  }

  /// Bytes of all pools.
  public var byteCount: Int {
    layers.reduce(0) { sum, pool in
      switch pool {
      case .pages(let keys, let values), .ring(let keys, let values):
        sum + keys.byteCount + values.byteCount
      case .recurrent(let state): sum + state.memory.byteCount + state.window.byteCount
      }
    }
  }

  /// How heads of that width are turned, on the device.
  func frequencies(headWidth: Int) -> RotaryFrequencies {
    guard let found = turning[headWidth] else {
      preconditionFailure("the pools were made for another model")
    }
    return found
  }

  private static func frequencies(of model: HybridModel) throws -> [Int: RotaryFrequencies] {
    let configuration = model.configuration
    if configuration.rotary.growsWithLength, model.embedding.device != .cpu {
      throw ModelError(
        "the model's rotary scaling is dynamic, and many sequences at once cannot share such angles on a GPU; run it on "
          + "the CPU")
    }
    var found: [Int: RotaryFrequencies] = [:]
    for mixer in configuration.mixers {
      guard case .attention(let attention) = mixer.sort, found[attention.headWidth] == nil else {
        continue
      }
      let own = configuration.rotary.frequencies(
        headWidth: attention.headWidth, length: configuration.maximumPositions)
      found[attention.headWidth] = RotaryFrequencies(
        radians: Tensor(own.radians).to(model.embedding.device), magnitude: Double(own.magnitude))
    }
    return found
  }

  /// Makes a slot as new. Keys and values need no clearing: what lies behind a sequence's end is never looked at.
  public func clear(slot: Int) {
    for case .recurrent(let state) in layers {
      state.memory.select(slot, dim: 0).fill(0)
      state.window.select(slot, dim: 0).fill(0)
    }
  }

  /// What a slot holds now, apart from pages: a copy.
  public func state(slot: Int) -> SlotState {
    SlotState(tensors: tensors(of: slot).map { $0.clone() })
  }

  /// Puts what a slot once held into the same or another one.
  public func assign(_ state: SlotState, slot: Int) {
    let own = tensors(of: slot)
    precondition(own.count == state.tensors.count, "the state was kept of another model")
    for (tensor, value) in zip(own, state.tensors) { tensor.assign(value) }
  }

  private func tensors(of slot: Int) -> [Tensor] {
    layers.flatMap { pool -> [Tensor] in
      switch pool {
      case .pages: []
      case .ring(let keys, let values): [keys.select(slot, dim: 0), values.select(slot, dim: 0)]
      case .recurrent(let state):
        [state.memory.select(slot, dim: 0), state.window.select(slot, dim: 0)]
      }
    }
  }

  /// Puts random numbers into all pools: for measuring speed at a depth without reading that many tokens.
  public func fillRandomly(seed: UInt64) {
    for pool in layers {
      switch pool {
      case .pages(let keys, let values), .ring(let keys, let values):
        Self.fill(keys, deviation: 1, seed: seed)
        Self.fill(values, deviation: 1, seed: seed &+ 1)
      case .recurrent(let state):
        Self.fill(state.memory, deviation: 0.1, seed: seed)
        if state.window.count > 0 { Self.fill(state.window, deviation: 1, seed: seed) }
      }
    }
  }

  /// Rows of a pool a part at a time: random numbers of all of it at once would take as much memory again.
  private static func fill(_ pool: Tensor, deviation: Double, seed: UInt64) {
    let generator = Generator(seed: seed, device: pool.device)
    let count = pool.dim(0)
    let part = max(1, (16 << 20) / max(1, pool.count / count))
    for first in stride(from: 0, to: count, by: part) {
      let rows = pool.slice(first..<min(first + part, count), dim: 0)
      rows.assign(Tensor.randomNormal(rows.shape, generator: generator) * deviation)
    }
  }
}

/// What a sequence's slot held once: memories, windows of convolutions, and keys and values of windows.
public struct SlotState {
  fileprivate let tensors: [Tensor]

  /// Bytes of its tensors.
  public var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }
}
