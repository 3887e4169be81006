import JetTensor
import JetTestSupport
import Testing

@testable import JetKernels

@Suite("Attention step")
struct AttentionStepTests {
  @Test(
    "the step is the residual and the attention of its norm, and fills one entry of each pool",
    arguments: AttentionStepSize.all, dtypes)
  func forms(size: AttentionStepSize, dtype: DType) {
    let inputs = AttentionStepInputs(size, dtype)
    let reference = inputs.defined()
    let bounds = reference.map { _ in Bound.step.relative(dtype) }
    expectFast(bounds, inputs.tensors, near: reference) { inputs.step($0) }
  }

  @Test(
    "no entry of a pool but the tokens' own is written", arguments: [1, 7, 64], [false, true])
  func untouched(page: Int, isRing: Bool) {
    let size = AttentionStepSize(
      tokens: [9, 30, 66], heads: 4, keyHeads: 2, headWidth: 8, page: page, isRing: isRing)
    for dtype in dtypes {
      let inputs = AttentionStepInputs(size, dtype)
      var own = Set<[Int]>()
      for (pages, entry) in zip(inputs.pages, size.written) {
        own.insert([pages[entry / page], entry % page])
      }
      withoutGradients {
        let before = [inputs.pool(inputs.tensors[4]), inputs.pool(inputs.tensors[5])]
        let after = before.map { $0.clone() }
        _ = inputs.step(inputs.tensors, keys: after[0], values: after[1])
        for (old, new) in zip(before, after) {
          for page in 0..<inputs.poolPages {
            for entry in 0..<size.pageEntries {
              let bits = [old, new].map {
                $0.select(page, dim: 0).select(entry, dim: 1).values.map(\.bitPattern)
              }
              #expect((bits[0] != bits[1]) == own.contains([page, entry]), "\(page), \(entry)")
            }
          }
        }
      }
    }
  }

  @Test("sequences may read the same page, as long as each writes to one of its own")
  func shared() {
    let size = AttentionStepSize(tokens: [9, 9], heads: 4, keyHeads: 2, headWidth: 8, page: 8)
    let inputs = AttentionStepInputs(size, .float32)
    withoutGradients {
      var x = inputs.tensors
      for index in [0, 4, 5] {
        let one = x[index].slice(0..<1, dim: 0)
        x[index] = Tensor.concatenate([one, one], dim: 0)
      }
      let pools = [inputs.pool(x[4]), inputs.pool(x[5])]
      let apart = inputs.step(x, keys: pools[0].clone(), values: pools[1].clone())
      let first = Int32(inputs.pages[0][0])
      let table = Tensor(
        [first, Int32(inputs.pages[0][1]), first, Int32(inputs.pages[1][1])], shape: [2, 2])
      let together = inputs.step(x, keys: pools[0], values: pools[1], table: table)
      #expect(together.values == apart.values)
    }
  }

  @Test("wrong shapes, types and tables are errors that name operation and shapes")
  func misuse() {
    let size = AttentionStepSize(tokens: [9, 30], heads: 4, keyHeads: 2, headWidth: 8)
    var good = AttentionStepInputs(size, .float32).tensors
    // Six pages of sixteen entries.
    for index in [4, 5] { good[index] = Tensor.zeros([6, 2, 16, 8]) }
    func run(
      _ index: Int, _ other: Tensor, heads: Int = 4,
      pages: Tensor = Tensor([5, -1, 2, 0] as [Int32], shape: [2, 2]),
      positions: Tensor = Tensor([8, 29] as [Int32]), isRing: Bool = false, angleWidth: Int = 8
    ) -> Tensor {
      var x = good
      x[index] = other
      let angles = RotaryAngles(
        positions: [[8], [29]], headWidth: angleWidth,
        configuration: RotaryConfiguration(theta: 1e4))
      return Steps.attention(
        x[0], norm: x[1], eps: 1e-6, projection: x[2], bias: x[6], queryNorm: x[7],
        keyNorm: x[8], angles: angles, keys: x[4], values: x[5], pages: pages,
        positions: positions, isRing: isRing, output: x[3], heads: heads, scale: 1)
    }
    let name = "layers_step"
    expectFailure(name, "matrix", "[2, 1, 40]") { run(0, Tensor.zeros([2, 1, 40])) }
    expectFailure(name, "norm", "[39]") { run(1, Tensor.zeros([39])) }
    expectFailure(name, "qkv", "[63, 40]") { run(2, Tensor.zeros([63, 40])) }
    expectFailure(name, "output", "[40, 31]") { run(3, Tensor.zeros([40, 31])) }
    expectFailure(name, "keys", "[2, 2, 8]") { run(4, Tensor.zeros([2, 2, 8])) }
    expectFailure(name, "keys", "[6, 2, 0, 8]") { run(4, Tensor.zeros([6, 2, 0, 8])) }
    expectFailure(name, "values", "[5, 2, 16, 8]") { run(5, Tensor.zeros([5, 2, 16, 8])) }
    expectFailure(name, "values", "[6, 2, 15, 8]") { run(5, Tensor.zeros([6, 2, 15, 8])) }
    expectFailure(name, "values", "strides") {
      run(5, Tensor.zeros([6, 2, 8, 16]).transposed(2, 3))
    }
    expectFailure(name, "values") { run(5, Tensor.zeros([6, 2, 16, 8], dtype: .bfloat16)) }
    expectFailure(name, "qkv_bias", "[63]") { run(6, Tensor.zeros([63])) }
    expectFailure(name, "q_norm", "[7]") { run(7, Tensor.zeros([7])) }
    expectFailure(name, "k_norm", "[7]") { run(8, Tensor.zeros([7])) }
    expectFailure(name, "3 query heads over 2") { run(0, good[0], heads: 3) }
    expectFailure(name, "cos", "[2, 1, 6]") { run(0, good[0], angleWidth: 6) }

    func table(_ rows: [Int32]) -> Tensor { Tensor(rows, shape: [2, rows.count / 2]) }
    func at(_ positions: Int32...) -> Tensor { Tensor(positions) }
    expectFailure(name, "pages", "[4]") { run(0, good[0], pages: at(5, 3, 2, 0)) }
    expectFailure(name, "pages", "[2, 0]") { run(0, good[0], pages: table([])) }
    expectFailure(name, "pages", "[1, 2]") {
      run(0, good[0], pages: Tensor([5, 3] as [Int32], shape: [1, 2]))
    }
    expectFailure(name, "pages") { run(0, good[0], pages: Tensor([5, 3, 2, 0], shape: [2, 2])) }
    expectFailure(name, "positions", "[1]") { run(0, good[0], positions: at(8)) }
    expectFailure(name, "positions") { run(0, good[0], positions: Tensor([8, 29])) }
    expectFailure(name, "sequence 1 is at position -1") { run(0, good[0], positions: at(8, -1)) }
    expectFailure(name, "sequence 0 is at position 32", "2 pages of 16") {
      run(0, good[0], positions: at(32, 29))
    }
    expectFailure(name, "sequence 0 is at position 2147483647") {
      run(0, good[0], positions: at(.max, 29))
    }
    expectFailure(name, "sequence 0 has page -1") { run(0, good[0], positions: at(16, 29)) }
    expectFailure(name, "sequence 1 has page 6", "from 0 to 5") {
      run(0, good[0], pages: table([5, -1, 2, 6]))
    }
    expectFailure(name, "sequence 1 has page -2147483648") {
      run(0, good[0], pages: table([5, -1, .min, 0]))
    }
    expectFailure(name, "two sequences write to page 5") {
      run(0, good[0], pages: table([5, -1, 2, 5]))
    }
    expectFailure(name, "two sequences write to page 2") {
      run(0, good[0], pages: table([2, -1, 2, 0]), isRing: true)
    }
    expectFailure(name, "sequence 1 is at position -7") {
      run(0, good[0], positions: at(8, -7), isRing: true)
    }
    expectFailure(name, "sequence 0 has page 6") {
      run(0, good[0], pages: table([6, -1, 2, 0]), isRing: true)
    }
  }
}
