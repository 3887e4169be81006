extension Tensor {
  /// Memory that has not been written; whatever reads it first must have written it.
  public static func empty(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) -> Tensor
  {
    Aten.empty(.ints(shape), .dtype(dtype), .none, .device(device))
  }

  /// All elements zero.
  public static func zeros(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) -> Tensor
  {
    Aten.zeros(.ints(shape), .dtype(dtype), .none, .device(device))
  }

  /// All elements one.
  public static func ones(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) -> Tensor
  {
    Aten.ones(.ints(shape), .dtype(dtype), .none, .device(device))
  }

  /// All elements `value`.
  public static func full(
    _ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu
  ) -> Tensor {
    Aten.full(.ints(shape), .double(value), .dtype(dtype), .none, .device(device))
  }

  /// `start, start + step, …`, below `end`.
  public static func range(
    _ start: Int, to end: Int, step: Int = 1, dtype: DType = .int64, device: Device = .cpu
  ) -> Tensor {
    Aten.arange(.int(start), .int(end), .int(step), .dtype(dtype), .none, .device(device))
  }

  /// Normally distributed elements of mean 0 and variance 1.
  public static func randomNormal(
    _ shape: [Int], generator: Generator, dtype: DType = .float32
  ) -> Tensor {
    Aten.randn(
      .ints(shape), .generator(generator), .dtype(dtype), .none, .device(generator.device))
  }

  /// Elements spread evenly over `[0, 1)`.
  public static func randomUniform(
    _ shape: [Int], generator: Generator, dtype: DType = .float32
  ) -> Tensor {
    Aten.rand(
      .ints(shape), .generator(generator), .dtype(dtype), .none, .device(generator.device))
  }

  /// The tensors one after another along an existing dimension.
  public static func concatenate(_ tensors: [Tensor], dim: Int) -> Tensor {
    Aten.cat(.tensors(tensors), .int(dim))
  }

  /// The tensors side by side along a new dimension.
  public static func stack(_ tensors: [Tensor], dim: Int) -> Tensor {
    Aten.stack(.tensors(tensors), .int(dim))
  }
}

extension Tensor {
  /// The elements converted to `dtype`; the same tensor if they are of it already.
  public func to(_ dtype: DType) -> Tensor {
    if isFailed || self.dtype == dtype { return self }
    return Aten.to(.tensor(self), .dtype(dtype))
  }

  /// The tensor on `device`; the same one if it is there already.
  public func to(_ device: Device) -> Tensor {
    if isFailed || self.device == device { return self }
    return Aten.to(.tensor(self), .none, .none, .device(device))
  }

  /// A copy on `device` for which the host does not wait, where ``to(_:)`` would wait until the device has done all that
  /// was given to it before; the same tensor if it is there already.
  ///
  /// The elements go through memory that is locked in place, so this is for batches and small tables, not for weights.
  ///
  /// - Precondition: the tensor is on the CPU.
  public func uploaded(to device: Device) -> Tensor {
    if isFailed || self.device == device { return self }
    precondition(self.device == .cpu, "upload of \(summary) from \(self.device)")
    let locked = Aten.pinMemory(.tensor(self))
    return Aten.to(.tensor(locked), .none, .none, .device(device), .none, .bool(true))
  }

  /// The elements as float32.
  public var float32: Tensor { to(.float32) }

  /// The tensor in row-major order; the same one if it is so already.
  public func contiguous() -> Tensor { Aten.contiguous(.tensor(self)) }

  /// A copy with memory of its own.
  public func clone() -> Tensor { Aten.clone(.tensor(self)) }

  /// Writes the elements of `source`, broadcast and converted, into this tensor's memory.
  public func assign(_ source: Tensor) { Aten.copyInPlace.run(.tensor(self), .tensor(source)) }

  /// Writes `value` into every element of this tensor's memory.
  public func fill(_ value: Double) { Aten.fillInPlace.run(.tensor(self), .double(value)) }
}
