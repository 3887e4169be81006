public import JetTensor

/// Where parameters get their first values.
public protocol ParameterSource: AnyObject {
  /// Writes the tensor `name` of `shape` into `destination`, row-major, converted to `dtype`.
  ///
  /// - Throws: an error whose text names the file, the tensor and the fault.
  func read(
    _ name: String, shape: [Int], dtype: DType, into destination: UnsafeMutableRawBufferPointer
  ) throws

  /// Whether there is a tensor of that name.
  func contains(_ name: String) -> Bool
}

/// How a parameter begins where there is no checkpoint.
public enum Initializer: Sendable {
  /// Normally distributed with mean 0.
  case normal(deviation: Double)
  /// Every element the same.
  case constant(Double)
  /// Given values, row-major.
  case values([Float])
  /// Spread evenly over a range, then mapped.
  case uniform(Double, Double, then: @Sendable (Tensor) -> Tensor)
}

/// A tensor that belongs to a model, under the name of the checkpoint.
public struct Parameter {
  /// The name in the checkpoint, such as `model.layers.0.mlp.up_proj.weight`.
  public let name: String
  /// The values; possibly a view of rows of a merged projection.
  public let tensor: Tensor
}

/// All parameters of a model: made by path while the model is built, listed, and saved.
public final class ParameterStore {
  /// The element type of the parameters.
  public let dtype: DType
  /// Where the parameters lie.
  public let device: Device
  /// The parameters in the order in which the model asked for them.
  public private(set) var parameters: [Parameter] = []
  /// The tensors that the model computes with, to which gradients flow; ``parameters`` are these or rows of them.
  public private(set) var leaves: [Tensor] = []
  /// The names of the parameters in each of ``leaves``, in the order of their rows.
  public private(set) var leafNames: [[String]] = []

  /// Where the parameters of each leaf begin in ``parameters``.
  private var firstParameters: [Int] = []
  private let source: (any ParameterSource)?
  private let generator: Generator

  /// A store that reads from `source`, or draws random values from `seed` where there is none.
  public init(
    source: (any ParameterSource)?, dtype: DType, device: Device = .cpu, seed: UInt64 = 0
  ) {
    self.source = source
    self.dtype = dtype
    self.device = device
    generator = Generator(seed: seed)
  }

  /// Parameters of several stores, each under its store's prefix; the tensors are shared, not copied.
  ///
  /// - Parameters:
  ///   - stores: one at least; the first tells type and device.
  ///   - isWanted: whether a tensor is listed, by the name of its first part without the prefix.
  public init(
    joining stores: [(prefix: String, store: ParameterStore)],
    where isWanted: (String) -> Bool = { _ in true }
  ) {
    precondition(!stores.isEmpty, "no parameters to join")
    source = nil
    (dtype, device) = (stores[0].store.dtype, stores[0].store.device)
    generator = Generator(seed: 0)
    for (prefix, store) in stores {
      share(
        store, leaves: store.leaves.indices.filter { isWanted(store.leafNames[$0][0]) },
        prefix: prefix)
    }
  }

  /// A store without parameters, of the type and on the device of another.
  init(like other: ParameterStore) {
    source = nil
    (dtype, device) = (other.dtype, other.device)
    generator = Generator(seed: 0)
  }

  /// Lists some leaves of another store here too; the tensors are shared, not copied.
  func share(_ other: ParameterStore, leaves indices: [Int], prefix: String = "") {
    for index in indices {
      let (first, names) = (other.firstParameters[index], other.leafNames[index])
      firstParameters.append(parameters.count)
      leaves.append(other.leaves[index])
      leafNames.append(names.map { prefix + $0 })
      parameters += other.parameters[first..<first + names.count].map {
        Parameter(name: prefix + $0.name, tensor: $0.tensor)
      }
    }
  }

  /// The leaves whose first name begins with `prefix`.
  func leaves(prefix: String) -> [Int] {
    leafNames.indices.filter { leafNames[$0][0].hasPrefix(prefix) }
  }

  /// The path at which a model begins.
  public var root: ParameterPath { ParameterPath(store: self, prefix: "") }

  /// Bytes of all parameters.
  public var byteCount: Int { parameters.reduce(0) { $0 + $1.tensor.byteCount } }

  /// How many numbers there are.
  public var elementCount: Int { parameters.reduce(0) { $0 + $1.tensor.count } }

  func contains(_ name: String) -> Bool { source?.contains(name) ?? false }

  /// Parts of `[rows, …]` one below the other in one tensor; each part is a parameter of its own name.
  func make(
    _ parts: [(name: String, rows: Int)], rest: [Int], initializer: Initializer
  ) throws -> Tensor {
    let rowCount = parts.reduce(0) { $0 + $1.rows }
    let whole = try Tensor.emptyInHugePages([rowCount] + rest, dtype: dtype)
    var row = 0
    for part in parts {
      let shape = [part.rows] + rest
      let view = whole.slice(row..<row + part.rows, dim: 0)
      if let source {
        try view.withMutableBytes { bytes in
          try source.read(part.name, shape: shape, dtype: dtype, into: bytes)
        }
      } else {
        initialize(view, initializer)
      }
      row += part.rows
    }
    let placed = whole.to(device)
    leaves.append(placed)
    leafNames.append(parts.map(\.name))
    firstParameters.append(parameters.count)
    row = 0
    for part in parts {
      let view = parts.count == 1 ? placed : placed.slice(row..<row + part.rows, dim: 0)
      parameters.append(Parameter(name: part.name, tensor: view))
      row += part.rows
    }
    return placed
  }

  private func initialize(_ view: Tensor, _ initializer: Initializer) {
    withoutGradients {
      switch initializer {
      case .constant(let value): view.fill(value)
      case .values(let values): view.assign(Tensor(values, shape: view.shape))
      case .normal(let deviation):
        view.assign(Tensor.randomNormal(view.shape, generator: generator) * deviation)
      case .uniform(let low, let high, let then):
        let even = Tensor.randomUniform(view.shape, generator: generator)
        view.assign(then(even * (high - low) + low))
      }
    }
  }
}

/// A place in a model's tree of parameters: `p / "layers" / "0"`.
public struct ParameterPath {
  let store: ParameterStore
  let prefix: String

  /// The path one step further down.
  public static func / (path: ParameterPath, name: String) -> ParameterPath {
    ParameterPath(store: path.store, prefix: path.name(name))
  }

  /// The parameter `name` here.
  public func parameter(
    _ name: String, _ shape: [Int], _ initializer: Initializer
  ) throws -> Tensor {
    try store.make(
      [(self.name(name), shape[0])], rest: Array(shape.dropFirst()), initializer: initializer)
  }

  /// Several parameters here as one tensor, their rows one below the other.
  public func merged(
    _ parts: [(name: String, rows: Int)], rest: [Int], _ initializer: Initializer
  ) throws -> Tensor {
    try store.make(
      parts.map { (name($0.name), $0.rows) }, rest: rest, initializer: initializer)
  }

  private func name(_ last: String) -> String { prefix.isEmpty ? last : "\(prefix).\(last)" }
}
