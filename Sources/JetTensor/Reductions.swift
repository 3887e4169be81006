extension Tensor {
  /// The sum along `dims`; of all elements when none is named.
  public func sum(_ dims: [Int] = [], keepDims: Bool = false) -> Tensor {
    Aten.sum(.tensor(self), dims.isEmpty ? .none : .ints(dims), .bool(keepDims))
  }

  /// The mean along `dims`; of all elements when none is named.
  public func mean(_ dims: [Int] = [], keepDims: Bool = false) -> Tensor {
    Aten.mean(.tensor(self), dims.isEmpty ? .none : .ints(dims), .bool(keepDims))
  }

  /// The greatest element.
  public func max() -> Tensor { Aten.maxAll(.tensor(self)) }

  /// The least element.
  public func min() -> Tensor { Aten.minAll(.tensor(self)) }

  /// The index of the first greatest element along `dim`, int64.
  public func argmax(dim: Int) -> Tensor { Aten.argmax(.tensor(self), .int(dim)) }

  /// The `count` greatest elements along the last dimension, greatest first, and their indices.
  public func top(_ count: Int) -> (values: Tensor, indices: Tensor) {
    let both = Aten.topk.all(.tensor(self), .int(count))
    return (both[0], both[1])
  }

  /// Sums of all elements up to each one along `dim`.
  public func cumulativeSum(dim: Int) -> Tensor { Aten.cumsum(.tensor(self), .int(dim)) }

  /// `eˣ/Σeˣ` along `dim`.
  public func softmax(dim: Int) -> Tensor { Aten.softmax(.tensor(self), .int(dim)) }

  /// `x − log Σeˣ` along `dim`.
  public func logSoftmax(dim: Int) -> Tensor { Aten.logSoftmax(.tensor(self), .int(dim)) }

  /// Whether every element is a finite number.
  public var isFinite: Bool { Aten.all(.tensor(Aten.isFinite(.tensor(self)))).item(as: Bool.self) }
}

/// The matrix product of the last two dimensions; the others broadcast.
public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor { Aten.matmul(.tensor(a), .tensor(b)) }

/// `x Wᵀ` of float32 whatever the type of the factors, `[N, in]` and `[out, in]` to `[N, out]`: on a GPU the sums of
/// bfloat16 products are not rounded to their type; elsewhere they are. Without a gradient.
public func float32Linear(_ x: Tensor, _ weight: Tensor) -> Tensor {
  guard !x.isFailed, x.device != .cpu, x.dtype == .bfloat16 else {
    return linear(x, weight).float32
  }
  return Aten.mmInto(
    .tensor(x), .tensor(weight.transposed(0, 1)), .dtype(.float32))
}

/// `x Wᵀ + b`: `[…, in]` by `weight` `[out, in]` and `bias` `[out]`, giving `[…, out]`.
public func linear(_ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil) -> Tensor {
  Aten.linear(.tensor(x), .tensor(weight), .optional(bias))
}

/// `X` of `A X = B` for a lower-triangular `A`, whose diagonal counts as ones where `unitDiagonal` says so.
public func solveLowerTriangular(_ a: Tensor, _ b: Tensor, unitDiagonal: Bool) -> Tensor {
  Aten.solveTriangular(.tensor(a), .tensor(b), .bool(false), .bool(true), .bool(unitDiagonal))
}

/// libtorch's fused attention: `softmax(scale · Q Kᵀ + mask) V`, its fastest form on the device.
///
/// - Parameters:
///   - query: `[B, H, T, D]`.
///   - key: `[B, H, S, D]`; value likewise.
///   - mask: truth values or addends that broadcast to `[B, H, T, S]`.
///   - isCausal: query `t` sees keys `0…t`; not together with a mask.
///   - groupsHeads: whether key and value have fewer heads, `[B, G, S, D]`, and query head `h` meets head `h · G / H`.
public func scaledDotProductAttention(
  _ query: Tensor, _ key: Tensor, _ value: Tensor, mask: Tensor? = nil, isCausal: Bool = false,
  scale: Double, groupsHeads: Bool = false
) -> Tensor {
  Aten.scaledDotProductAttention(
    .tensor(query), .tensor(key), .tensor(value), .optional(mask), .double(0), .bool(isCausal),
    .double(scale), .bool(groupsHeads))
}
