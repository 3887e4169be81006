import JetTensor

/// Rows of a step of which most are padding and name slot 0; the others, whose results count, name slots of their own.
struct ScratchSlots {
  /// int32, one a row.
  let slots: Tensor
  /// The rows that are no padding, and their slots.
  let rows, places: Tensor

  init(rows count: Int, device: Device) {
    let all = (0..<count).map { $0 % 3 == 1 ? Int32($0 + 1) : 0 }
    let real = all.indices.filter { all[$0] != 0 }
    slots = Tensor(all, shape: [count]).to(device)
    rows = Tensor(real, shape: [real.count]).to(device)
    places = Tensor(real.map { Int(all[$0]) }, shape: [real.count]).to(device)
  }
}

/// The same numbers at an address that is a multiple of one element only, behind a NaN.
func moved(_ x: Tensor) -> Tensor {
  let whole = Tensor.full([x.count + 1], .nan, dtype: x.dtype, device: x.device)
  let view = whole.slice(1..<1 + x.count, dim: 0).reshaped(x.shape)
  view.assign(x)
  return view
}
