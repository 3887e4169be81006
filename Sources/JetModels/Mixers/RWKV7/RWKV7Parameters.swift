import Foundation
public import JetTensor

/// How far each use of an RWKV7 layer's input leans to the token before, `[1, 1, D]` each: 0 is the token itself, 1 the
/// one before.
public struct RWKV7Shifts {
  /// For the receptance.
  public let receptance: Tensor
  /// For the decay.
  public let decay: Tensor
  /// For the key.
  public let key: Tensor
  /// For the value.
  public let value: Tensor
  /// For the in-context learning rate.
  public let rate: Tensor
  /// For the gate.
  public let gate: Tensor

  init(width: Int, _ path: ParameterPath) throws {
    // Upstream scales the exponents with the layer's depth; these are those of the middle layer.
    func share(_ name: String, exponent: Double) throws -> Tensor {
      let values = (0..<width).map { channel in
        Float(1 - pow(Double(channel) / Double(width), exponent * 0.5))
      }
      return try path.parameter(name, [1, 1, width], .values(values))
    }
    receptance = try share("x_r", exponent: 0.2)
    decay = try share("x_w", exponent: 0.9)
    key = try share("x_k", exponent: 0.7)
    value = try share("x_v", exponent: 0.7)
    rate = try share("x_a", exponent: 0.9)
    gate = try share("x_g", exponent: 0.2)
  }
}

/// The scales of an RWKV7 layer's keys.
public struct RWKV7KeyScales {
  /// `k_k`, `[H·K]`: of the key that is removed from the memory.
  public let removal: Tensor
  /// `k_a`, `[H·K]`: how far the key that is written follows the in-context learning rate.
  public let rate: Tensor
  /// `r_k`, `[H, K]`: of the token's own value in the read-out.
  public let bonus: Tensor

  init(heads: Int, keyWidth: Int, _ path: ParameterPath) throws {
    let channels = heads * keyWidth
    let removals = RWKV7Prior.ramp(channels).map { Float(0.71 - 0.1 * $0) }
    removal = try path.parameter("k_k", [channels], .values(removals))
    rate = try path.parameter("k_a", [channels], .constant(1.02))
    bonus = try path.parameter("r_k", [heads, keyWidth], .constant(-0.04))
  }
}

/// The values that upstream begins with, for its middle layer: decays from slow to fast along the channels, and in each
/// head from its middle outwards.
enum RWKV7Prior {
  /// From −1/2 to 1/2 along the channels.
  static func ramp(_ channels: Int) -> [Double] {
    (0..<channels).map { channels == 1 ? 0 : Double($0) / Double(channels - 1) - 0.5 }
  }

  static func decayBias(channels: Int, headWidth: Int) -> [Float] {
    zip(ramp(channels), zigzag(channels, headWidth)).map { ramp, zigzag in
      Float(-6 + 6 * pow(ramp + 0.5, 1 + pow(0.5, 0.3)) + 0.5 + 2.5 * zigzag)
    }
  }

  static func rateBias(channels: Int, headWidth: Int) -> [Float] {
    zip(ramp(channels), zigzag(channels, headWidth)).map { ramp, zigzag in
      Float(-0.19 + 0.3 * zigzag + 0.4 * ramp)
    }
  }

  /// From −1 to 1 along each head, flat in its middle.
  private static func zigzag(_ channels: Int, _ headWidth: Int) -> [Double] {
    (0..<channels).map { channel in
      let middle = Double(headWidth - 1) / 2
      let place = middle == 0 ? 0 : (Double(channel % headWidth) - middle) / middle
      return place * Swift.abs(place)
    }
  }
}
