extension Tensor {
  /// The same elements in another shape; one length may be -1 and is worked out. Shares memory where it can.
  public func reshaped(_ shape: [Int]) -> Tensor { Aten.reshape(.tensor(self), .ints(shape)) }

  /// Dimensions `first` and `second` exchanged; shares memory.
  public func transposed(_ first: Int, _ second: Int) -> Tensor {
    Aten.transpose(.tensor(self), .int(first), .int(second))
  }

  /// The dimensions in another order; shares memory.
  public func permuted(_ order: [Int]) -> Tensor { Aten.permute(.tensor(self), .ints(order)) }

  /// With a new dimension of length 1 at `dim`; shares memory.
  public func unsqueezed(_ dim: Int) -> Tensor { Aten.unsqueeze(.tensor(self), .int(dim)) }

  /// Without dimension `dim`, which has length 1; shares memory.
  public func squeezed(_ dim: Int) -> Tensor { Aten.squeeze(.tensor(self), .int(dim)) }

  /// Dimensions of length 1 repeated to `shape` without copying; -1 keeps a length.
  public func expanded(_ shape: [Int]) -> Tensor { Aten.expand(.tensor(self), .ints(shape)) }

  /// Elements `range` of dimension `dim`; shares memory.
  public func slice(_ range: Range<Int>, dim: Int) -> Tensor {
    Aten.narrow(.tensor(self), .int(dim), .int(range.lowerBound), .int(range.count))
  }

  /// Every `step`-th element of dimension `dim`, from the first; shares memory.
  public func strided(by step: Int, dim: Int) -> Tensor {
    Aten.slice(.tensor(self), .int(dim), .int(0), .none, .int(step))
  }

  /// Element `index` of dimension `dim`, which goes away; shares memory.
  public func select(_ index: Int, dim: Int) -> Tensor {
    Aten.select(.tensor(self), .int(dim), .int(index))
  }

  /// Pieces of the given lengths along `dim`; they share memory.
  public func split(_ lengths: [Int], dim: Int) -> [Tensor] {
    Aten.split.all(.tensor(self), .ints(lengths), .int(dim), capacity: lengths.count)
  }

  /// The elements along `dim`, each without it; they share memory. Cheaper to differentiate than ``select(_:dim:)`` of
  /// each.
  public func unbound(dim: Int) -> [Tensor] {
    Aten.unbind.all(.tensor(self), .int(dim), capacity: self.dim(dim))
  }

  /// The last dimension cut into `heads` equal parts: `[…, heads · width]` to `[…, heads, width]`.
  public func heads(_ heads: Int) -> Tensor {
    reshaped(shape.dropLast() + [heads, dim(-1) / heads])
  }

  /// The last two dimensions as one: `[…, heads, width]` to `[…, heads · width]`.
  public var mergedHeads: Tensor { reshaped(shape.dropLast(2) + [dim(-2) * dim(-1)]) }

  /// Each element repeated `times` times in place along `dim`: `a a b b`.
  public func repeated(_ times: Int, dim: Int) -> Tensor {
    times == 1 ? self : Aten.repeatInterleave(.tensor(self), .int(times), .int(dim))
  }

  /// The order of dimension `dim` reversed.
  public func flipped(dim: Int) -> Tensor { Aten.flip(.tensor(self), .ints([dim])) }

  /// Zeros added `before` and `after` along `dim`.
  public func padded(before: Int = 0, after: Int = 0, dim: Int) -> Tensor {
    let fromLast = rank - 1 - (dim < 0 ? dim + rank : dim)
    let pairs = Array(repeating: 0, count: 2 * fromLast) + [before, after]
    return Aten.pad(.tensor(self), .ints(pairs))
  }

  /// Rows of dimension `dim` by a one-dimensional int64 tensor.
  public func rows(_ indices: Tensor, dim: Int = 0) -> Tensor {
    Aten.indexSelect(.tensor(self), .int(dim), .tensor(indices))
  }

  /// Elements along `dim` by an int64 tensor of this tensor's rank.
  public func gathered(_ indices: Tensor, dim: Int) -> Tensor {
    Aten.gather(.tensor(self), .int(dim), .tensor(indices))
  }

  /// Elements by one index tensor a dimension, broadcast together; nil takes a whole dimension.
  public func at(_ indices: [Tensor?]) -> Tensor {
    Aten.index(.tensor(self), .optionalTensors(indices))
  }

  /// Writes `values` at the places that ``at(_:)`` reads.
  public func assign(_ values: Tensor, at indices: [Tensor?]) {
    Aten.indexPutInPlace.run(.tensor(self), .optionalTensors(indices), .tensor(values))
  }

  /// Rows of this table `[rows, width]` by int64 indices of any shape.
  public func embedded(_ indices: Tensor) -> Tensor {
    Aten.embedding(.tensor(self), .tensor(indices))
  }
}
