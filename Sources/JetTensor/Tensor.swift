internal import CJetTorch

/// An array of numbers of one type on one device, by libtorch.
///
/// A tensor is a reference: copies of the value share memory, and the few operations that change it in place say so.
/// It stays in one isolation domain. Operations trap on misuse, naming the operation and the shapes, unless they run
/// inside ``withTorchErrors(_:)``.
public struct Tensor: CustomStringConvertible {
  let handle: TensorHandle

  /// Takes over a new handle; nil stands for the result of a failed operation.
  init(adopting raw: jt_tensor?) { handle = TensorHandle(raw) }

  /// Whether this is the result of an operation that failed inside ``withTorchErrors(_:)``.
  public var isFailed: Bool { handle.raw == nil }

  /// The length of each dimension.
  public var shape: [Int] {
    let info = self.info
    return (0..<Int(info.rank)).map { Int(info.sizes[$0]) }
  }

  /// Elements between neighbours along each dimension.
  public var strides: [Int] {
    let info = self.info
    return (0..<Int(info.rank)).map { Int(info.strides[$0]) }
  }

  /// The length of dimension `dim`; a negative one counts from the last. 1 for a failed tensor.
  public func dim(_ dim: Int) -> Int {
    let info = self.info
    if isFailed { return 1 }
    let index = dim < 0 ? dim + Int(info.rank) : dim
    precondition((0..<Int(info.rank)).contains(index), "dimension \(dim) of \(summary)")
    return Int(info.sizes[index])
  }

  /// How many dimensions there are.
  public var rank: Int { Int(info.rank) }

  /// How many elements there are.
  public var count: Int { Int(info.element_count) }

  /// Bytes of all elements.
  public var byteCount: Int { count * Int(info.element_bytes) }

  /// The type of the elements.
  public var dtype: DType {
    let code = info.scalar_type
    guard let dtype = DType(rawValue: code) else {
      fatalError("libtorch gave a tensor of the element type \(code), which Jet does not use")
    }
    return dtype
  }

  /// Where the memory lies.
  public var device: Device { Device(raw: info.device) }

  /// Whether the elements lie in row-major order without gaps.
  public var isContiguous: Bool { info.is_contiguous }

  /// Whether gradients flow to it.
  public var requiresGradient: Bool { info.requires_gradient }

  /// Element type and shape: `float32[2, 3]`.
  public var summary: String { isFailed ? "failed" : "\(dtype)\(shape)" }

  /// Type, shape and, for a small tensor, the values.
  public var description: String {
    if isFailed || count > 64 { return summary }
    return "\(summary) \(to(.float64).array(of: Double.self))"
  }

  private var info: jt_tensor_info {
    var info = jt_tensor_info()
    guard let raw = handle.raw else {
      info.scalar_type = DType.float32.rawValue
      return info
    }
    _ = succeeds("description of a tensor") { jt_tensor_describe(raw, &info) }
    return info
  }

  /// The address of the first element; of a tensor on the CPU.
  var data: UnsafeMutableRawPointer? { info.data }
}

final class TensorHandle {
  let raw: jt_tensor?

  init(_ raw: jt_tensor?) { self.raw = raw }

  deinit {
    if let raw { jt_tensor_release(raw) }
  }
}
