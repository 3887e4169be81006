import Foundation
public import JetTensor

/// Cosines and sines of the angles of some positions.
public struct RotaryAngles {
  /// `[B, T, D]`, float32; the second half of the channels repeats the first. On a GPU one row may stand for all.
  public let cosines: Tensor
  /// `[B, T, D]`, float32.
  public let sines: Tensor

  init(cosines: Tensor, sines: Tensor) {
    self.cosines = cosines
    self.sines = sines
  }

  /// The angles of `positions` (one row a sequence, all of one length).
  public init(
    positions: [[Int]], headWidth: Int, configuration: RotaryConfiguration, device: Device = .cpu
  ) {
    let half = headWidth / 2
    let shape = [positions.count, positions.first?.count ?? 0, headWidth]
    var cosines = [Float](repeating: 0, count: shape.reduce(1, *))
    var sines = cosines
    var offset = 0
    var frequencies: [Int: (radians: [Float], magnitude: Float)] = [:]
    for row in positions {
      // A row's angles do not depend on the others, also where they grow with the length.
      let length = configuration.growsWithLength ? (row.last ?? 0) + 1 : 0
      let (radians, magnitude) =
        frequencies[length] ?? configuration.frequencies(headWidth: headWidth, length: length)
      frequencies[length] = (radians, magnitude)
      for position in row {
        for i in 0..<half {
          // The product is rounded to float32 as in the code that the models were trained with.
          let angle = Float(position) * radians[i]
          let (c, s) = (cosf(angle) * magnitude, sinf(angle) * magnitude)
          cosines[offset + i] = c
          cosines[offset + half + i] = c
          sines[offset + i] = s
          sines[offset + half + i] = s
        }
        offset += headWidth
      }
    }
    self.cosines = Tensor(cosines, shape: shape).uploaded(to: device)
    self.sines = Tensor(sines, shape: shape).uploaded(to: device)
  }

  /// The angles `float32(p · f)` of some positions that the device knows, as of one sequence: `[1, N, D]`.
  ///
  /// - Parameter positions: `[N]`.
  public init(positions: Tensor, frequencies: RotaryFrequencies) {
    let radians = Tensor.concatenate([frequencies.radians, frequencies.radians], dim: 0)
    let angles = (positions.float32.unsqueezed(1) * radians).unsqueezed(0)
    let magnitude = frequencies.magnitude
    self.init(cosines: cos(angles) * magnitude, sines: sin(angles) * magnitude)
  }
}

/// Rotary position embedding, by its definition: pairs of channels `(i, i + D/2)` turned by the position's angle.
///
/// `y = x · cos + (−x₂, x₁) · sin`, in float32, then rounded to the type of `x`.
///
/// - Parameter x: `[B, T, H, D]`.
/// - Source: Su et al. 2021, [arXiv:2104.09864](https://arxiv.org/abs/2104.09864), in the half-split layout of
///   Hugging Face checkpoints.
public func rotaryDefinition(_ x: Tensor, _ angles: RotaryAngles) -> Tensor {
  let half = x.dim(-1) / 2
  let wide = x.float32
  let turned = Tensor.concatenate(
    [-wide.slice(half..<2 * half, dim: -1), wide.slice(0..<half, dim: -1)], dim: -1)
  let (cosines, sines) = (angles.cosines.unsqueezed(2), angles.sines.unsqueezed(2))
  return (wide * cosines + turned * sines).to(x.dtype)
}

/// Rotary position embedding; see ``rotaryDefinition(_:_:)``.
public func rotary(_ x: Tensor, _ angles: RotaryAngles) -> Tensor {
  if FastForm.fuses(x), x.dim(-1).isMultiple(of: 8), angles.cosines.device == x.device {
    return Fused.rotary(.tensor(x), .tensor(angles.cosines), .tensor(angles.sines))
  }
  guard FastForm.applies(to: x), x.strides.last == 1 else { return rotaryDefinition(x, angles) }
  return Kernels.rotary(.tensor(x), .tensor(angles.cosines), .tensor(angles.sines))
}
