internal import CJetTorch

/// A source of random numbers with a state of its own: same seed, same device, same numbers.
public final class Generator {
  /// The device whose operations can draw from it.
  public let device: Device
  let raw: jt_generator

  /// A generator that begins at `seed`.
  public init(seed: UInt64, device: Device = .cpu) {
    var made: jt_generator?
    _ = succeeds("generator on \(device)") { jt_generator_create(device.raw, seed, &made) }
    guard let made else { fatalError("a generator on \(device) could not be made") }
    raw = made
    self.device = device
  }

  deinit { jt_generator_release(raw) }

  /// The whole state, as bytes that can be saved and set again.
  public var state: [UInt8] {
    get {
      var tensor: jt_tensor?
      guard succeeds("generator state", { jt_generator_state(raw, &tensor) }) else { return [] }
      return Tensor(adopting: tensor).array(of: UInt8.self)
    }
    set {
      let bytes = Tensor(newValue)
      _ = succeeds("setting a generator's state") { jt_generator_set_state(raw, bytes.handle.raw) }
    }
  }
}
