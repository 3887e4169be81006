internal import CJetTorch

extension Tensor {
  /// A tensor on the CPU with a copy of `values`.
  ///
  /// - Precondition: `shape`, if given, has as many elements as there are values.
  public init<Scalar: TensorScalar>(_ values: [Scalar], shape: [Int]? = nil) {
    let shape = shape ?? [values.count]
    precondition(
      shape.reduce(1, *) == values.count, "\(values.count) values do not fill the shape \(shape)")
    self = Tensor.empty(shape, dtype: Scalar.dtype)
    guard let data, !values.isEmpty else { return }
    values.withUnsafeBytes {
      data.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(data), byteCount: $0.count)
    }
  }

  /// A tensor of one element and no dimensions.
  public init<Scalar: TensorScalar>(scalar: Scalar) { self.init([scalar], shape: []) }

  /// A tensor over memory that someone else owns; `release` is called once, when the last user has gone.
  ///
  /// - Precondition: `data` holds the product of `shape` elements of `dtype`, row-major, aligned for them.
  public init(
    wrapping data: UnsafeMutableRawPointer, shape: [Int], dtype: DType,
    release: @escaping () -> Void
  ) {
    let context = Unmanaged.passRetained(ReleaseBox(release)).toOpaque()
    var made: jt_tensor?
    let sizes = shape.map(Int64.init)
    _ = succeeds("wrapping memory of shape \(shape)") {
      jt_tensor_wrap(
        data, sizes, Int32(sizes.count), dtype.rawValue,
        { context in
          guard let context else { return }
          Unmanaged<ReleaseBox>.fromOpaque(context).takeRetainedValue().release()
        }, context, &made)
    }
    self.init(adopting: made)
  }

  /// All elements in row-major order, converted to `Scalar`. Empty for a failed tensor.
  public func array<Scalar: TensorScalar>(of type: Scalar.Type = Scalar.self) -> [Scalar] {
    let source = detached().to(.cpu).to(Scalar.dtype).contiguous()
    return source.withBytes { Array($0.bindMemory(to: Scalar.self)) }
  }

  /// The one element, converted to `Scalar`. Zero for a failed tensor.
  ///
  /// - Precondition: there is exactly one element.
  public func item<Scalar: TensorScalar>(as type: Scalar.Type = Scalar.self) -> Scalar {
    if isFailed { return Scalar() }
    let values = array(of: type)
    precondition(values.count == 1, "item of \(summary), which has not exactly one element")
    return values[0]
  }

  /// The bytes of a contiguous tensor on the CPU, while `body` runs.
  ///
  /// - Precondition: the tensor is contiguous and on the CPU.
  public func withBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    precondition(
      isFailed || (isContiguous && device == .cpu),
      "bytes of \(summary), strides \(strides), on \(device)")
    defer { withExtendedLifetime(self) {} }
    return try body(UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : byteCount))
  }

  /// The bytes of a contiguous tensor on the CPU, to be changed while `body` runs.
  ///
  /// - Precondition: the tensor is contiguous and on the CPU.
  public func withMutableBytes<Result>(
    _ body: (UnsafeMutableRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    precondition(
      isFailed || (isContiguous && device == .cpu),
      "bytes of \(summary), strides \(strides), on \(device)")
    defer { withExtendedLifetime(self) {} }
    return try body(UnsafeMutableRawBufferPointer(start: data, count: data == nil ? 0 : byteCount))
  }
}

private final class ReleaseBox {
  let release: () -> Void

  init(_ release: @escaping () -> Void) { self.release = release }
}
