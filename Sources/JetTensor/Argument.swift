internal import CJetTorch

/// What an operator can be given.
public enum Argument {
  /// The default that the operator's schema names.
  case byDefault
  /// No value.
  case none
  /// A tensor.
  case tensor(Tensor)
  /// A whole number.
  case int(Int)
  /// A real number.
  case double(Double)
  /// A truth value.
  case bool(Bool)
  /// A name.
  case string(String)
  /// Whole numbers: sizes, dimensions.
  case ints([Int])
  /// Real numbers.
  case doubles([Double])
  /// Tensors.
  case tensors([Tensor])
  /// Tensors, some of them absent.
  case optionalTensors([Tensor?])
  /// An element type.
  case dtype(DType)
  /// A device.
  case device(Device)
  /// A source of random numbers.
  case generator(Generator)

  /// The tensor, or no value.
  public static func optional(_ tensor: Tensor?) -> Argument { tensor.map { .tensor($0) } ?? .none }

  var isFailed: Bool {
    switch self {
    case .tensor(let tensor): tensor.isFailed
    case .tensors(let list): list.contains(where: \.isFailed)
    case .optionalTensors(let list): list.contains { $0?.isFailed ?? false }
    default: false
    }
  }

  /// How the argument reads in the message of a failure: a tensor's element type and shape.
  var summary: String? {
    switch self {
    case .tensor(let tensor): tensor.summary
    case .tensors(let list): "[" + list.map(\.summary).joined(separator: ", ") + "]"
    case .int(let value): "\(value)"
    case .double(let value): "\(value)"
    case .ints(let values): "\(values)"
    default: nil
    }
  }
}

/// The memory behind the lists and strings of one call.
struct ArgumentLists {
  private var allocations: [UnsafeMutableRawPointer] = []

  mutating func value(of argument: Argument) -> jt_value {
    var value = jt_value()
    func tag(_ tag: jt_tag) { value.tag = Int32(tag.rawValue) }
    switch argument {
    case .byDefault: tag(JT_DEFAULT)
    case .none: tag(JT_NONE)
    case .tensor(let tensor):
      tag(JT_TENSOR)
      value.tensor = tensor.handle.raw
    case .int(let number):
      tag(JT_INT)
      value.integer = Int64(number)
    case .double(let number):
      tag(JT_DOUBLE)
      value.real = number
    case .bool(let truth):
      tag(JT_BOOL)
      value.integer = truth ? 1 : 0
    case .string(let text):
      tag(JT_STRING)
      value.string = UnsafePointer(copy(Array(text.utf8CString)))
    case .ints(let numbers):
      tag(JT_INTS)
      value.count = Int32(numbers.count)
      value.integers = UnsafePointer(copy(numbers.map(Int64.init)))
    case .doubles(let numbers):
      tag(JT_DOUBLES)
      value.count = Int32(numbers.count)
      value.reals = UnsafePointer(copy(numbers))
    case .tensors(let list):
      tag(JT_TENSORS)
      value.count = Int32(list.count)
      value.tensors = UnsafePointer(copy(list.map { Optional($0.handle.raw) ?? nil }))
    case .optionalTensors(let list):
      tag(JT_TENSORS)
      value.count = Int32(list.count)
      value.tensors = UnsafePointer(copy(list.map { $0?.handle.raw }))
    case .dtype(let dtype):
      tag(JT_INT)
      value.integer = Int64(dtype.rawValue)
    case .device(let device):
      tag(JT_DEVICE)
      value.device = device.raw
    case .generator(let generator):
      tag(JT_GENERATOR)
      value.generator = generator.raw
    }
    return value
  }

  func release() {
    for memory in allocations { memory.deallocate() }
  }

  private mutating func copy<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
    let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
    memory.initialize(from: elements, count: elements.count)
    allocations.append(UnsafeMutableRawPointer(memory))
    return memory
  }
}
