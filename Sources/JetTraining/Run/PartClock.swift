public import JetTensor

/// Where the time of a step goes: seconds by part, each measured with the device at rest before and after.
///
/// Waiting for the device costs time itself, so a step that is timed by part is slower than one that is not.
public final class PartClock {
  /// A part of a step.
  public enum Part: String, Codable, Hashable, Sendable, CaseIterable {
    /// The teacher's layers.
    case teacher
    /// The forward pass of what is trained.
    case forward
    /// Norm, head and loss on the logits, their gradients included.
    case logits
    /// Gradients, and their sums.
    case backward
    /// The optimizer's step.
    case optimizer
  }

  /// Seconds since the beginning.
  public private(set) var seconds: [Part: Double] = [:]
  private let device: Device

  /// A clock for work on `device`.
  public init(device: Device) { self.device = device }

  /// Runs `body` and adds its time to `part`.
  public func time<Result>(_ part: Part, _ body: () throws -> Result) rethrows -> Result {
    device.synchronize()
    let start = ContinuousClock.now
    let result = try body()
    device.synchronize()
    seconds[part, default: 0] += (ContinuousClock.now - start) / .seconds(1)
    return result
  }
}

extension PartClock? {
  /// Runs `body`, on the clock where there is one.
  func time<Result>(_ part: PartClock.Part, _ body: () throws -> Result) rethrows -> Result {
    guard let clock = self else { return try body() }
    return try clock.time(part, body)
  }
}
