infix operator .== : ComparisonPrecedence
infix operator .< : ComparisonPrecedence
infix operator .<= : ComparisonPrecedence
infix operator .> : ComparisonPrecedence
infix operator .>= : ComparisonPrecedence

/// Elementwise arithmetic; shapes broadcast, and the wider element type wins.
extension Tensor {
  /// The sums.
  public static func + (a: Tensor, b: Tensor) -> Tensor { Aten.add(.tensor(a), .tensor(b)) }
  /// The sums with a number.
  public static func + (a: Tensor, b: Double) -> Tensor { Aten.addScalar(.tensor(a), .double(b)) }
  /// The differences.
  public static func - (a: Tensor, b: Tensor) -> Tensor { Aten.sub(.tensor(a), .tensor(b)) }
  /// The differences from a number.
  public static func - (a: Tensor, b: Double) -> Tensor { Aten.subScalar(.tensor(a), .double(b)) }
  /// The products.
  public static func * (a: Tensor, b: Tensor) -> Tensor { Aten.mul(.tensor(a), .tensor(b)) }
  /// The products with a number.
  public static func * (a: Tensor, b: Double) -> Tensor { Aten.mulScalar(.tensor(a), .double(b)) }
  /// The quotients.
  public static func / (a: Tensor, b: Tensor) -> Tensor { Aten.div(.tensor(a), .tensor(b)) }
  /// The quotients by a number.
  public static func / (a: Tensor, b: Double) -> Tensor { Aten.divScalar(.tensor(a), .double(b)) }
  /// The negatives.
  public static prefix func - (a: Tensor) -> Tensor { Aten.neg(.tensor(a)) }

  /// Adds `other` into this tensor's memory.
  public func add(_ other: Tensor) { Aten.addInPlace.run(.tensor(self), .tensor(other)) }
  /// Multiplies this tensor's memory by `other`.
  public func multiply(by other: Tensor) { Aten.mulInPlace.run(.tensor(self), .tensor(other)) }

  /// Where the elements are equal.
  public static func .== (a: Tensor, b: Tensor) -> Tensor { Aten.eq(.tensor(a), .tensor(b)) }
  /// Where the elements equal a number.
  public static func .== (a: Tensor, b: Double) -> Tensor { Aten.eqScalar(.tensor(a), .double(b)) }
  /// Where `a` is less.
  public static func .< (a: Tensor, b: Tensor) -> Tensor { Aten.lt(.tensor(a), .tensor(b)) }
  /// Where the elements are less than a number.
  public static func .< (a: Tensor, b: Double) -> Tensor { Aten.ltScalar(.tensor(a), .double(b)) }
  /// Where `a` is at most `b`.
  public static func .<= (a: Tensor, b: Tensor) -> Tensor { Aten.le(.tensor(a), .tensor(b)) }
  /// Where the elements are at most a number.
  public static func .<= (a: Tensor, b: Double) -> Tensor { Aten.leScalar(.tensor(a), .double(b)) }
  /// Where `a` is greater.
  public static func .> (a: Tensor, b: Tensor) -> Tensor { Aten.gt(.tensor(a), .tensor(b)) }
  /// Where the elements are greater than a number.
  public static func .> (a: Tensor, b: Double) -> Tensor { Aten.gtScalar(.tensor(a), .double(b)) }
  /// Where `a` is at least `b`.
  public static func .>= (a: Tensor, b: Tensor) -> Tensor { Aten.ge(.tensor(a), .tensor(b)) }
  /// Where the elements are at least a number.
  public static func .>= (a: Tensor, b: Double) -> Tensor { Aten.geScalar(.tensor(a), .double(b)) }
  /// Where both hold; of truth values.
  public static func & (a: Tensor, b: Tensor) -> Tensor { Aten.bitwiseAnd(.tensor(a), .tensor(b)) }
  /// Where either holds; of truth values.
  public static func | (a: Tensor, b: Tensor) -> Tensor { Aten.bitwiseOr(.tensor(a), .tensor(b)) }
  /// Where it does not hold; of truth values.
  public static prefix func ! (a: Tensor) -> Tensor { Aten.bitwiseNot(.tensor(a)) }
}

/// The absolute values.
public func abs(_ x: Tensor) -> Tensor { Aten.abs(.tensor(x)) }
/// `eˣ`.
public func exp(_ x: Tensor) -> Tensor { Aten.exp(.tensor(x)) }
/// The natural logarithms.
public func log(_ x: Tensor) -> Tensor { Aten.log(.tensor(x)) }
/// The cosines of radians.
public func cos(_ x: Tensor) -> Tensor { Aten.cos(.tensor(x)) }
/// The sines of radians.
public func sin(_ x: Tensor) -> Tensor { Aten.sin(.tensor(x)) }
/// The square roots.
public func sqrt(_ x: Tensor) -> Tensor { Aten.sqrt(.tensor(x)) }
/// `1/√x`.
public func rsqrt(_ x: Tensor) -> Tensor { Aten.rsqrt(.tensor(x)) }
/// The hyperbolic tangents.
public func tanh(_ x: Tensor) -> Tensor { Aten.tanh(.tensor(x)) }
/// `xᵖ`.
public func pow(_ x: Tensor, _ p: Double) -> Tensor { Aten.powScalar(.tensor(x), .double(p)) }
/// `1/(1 + e⁻ˣ)`.
public func sigmoid(_ x: Tensor) -> Tensor { Aten.sigmoid(.tensor(x)) }
/// `x/(1 + e⁻ˣ)`.
public func silu(_ x: Tensor) -> Tensor { Aten.silu(.tensor(x)) }
/// `log(1 + eˣ)`.
public func softplus(_ x: Tensor) -> Tensor { Aten.softplus(.tensor(x)) }
/// The greater of each pair.
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor { Aten.maximum(.tensor(a), .tensor(b)) }
/// The lesser of each pair.
public func minimum(_ a: Tensor, _ b: Tensor) -> Tensor { Aten.minimum(.tensor(a), .tensor(b)) }
/// `a` where `condition` holds, elsewhere `b`.
public func select(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
  Aten.whereTensors(.tensor(condition), .tensor(a), .tensor(b))
}

extension Tensor {
  /// The elements bounded from below and above.
  public func clamped(min: Double? = nil, max: Double? = nil) -> Tensor {
    Aten.clamp(
      .tensor(self), min.map { .double($0) } ?? .none, max.map { .double($0) } ?? .none)
  }

  /// `value` where `mask` holds, elsewhere the elements.
  public func masked(_ mask: Tensor, with value: Double) -> Tensor {
    Aten.maskedFill(.tensor(self), .tensor(mask), .double(value))
  }

  /// The lower triangle of the last two dimensions; `diagonal` -1 leaves the main one out.
  public func lowerTriangle(diagonal: Int = 0) -> Tensor {
    Aten.tril(.tensor(self), .int(diagonal))
  }

  /// The upper triangle of the last two dimensions; `diagonal` 1 leaves the main one out.
  public func upperTriangle(diagonal: Int = 0) -> Tensor {
    Aten.triu(.tensor(self), .int(diagonal))
  }
}
