import JetTensor
import Testing

@Suite("Tensor", .serialized)
struct TensorTests {
  @Test("values written are values read, in every element type of Swift")
  func roundTrip() {
    #expect(Tensor([1.5, -2] as [Float]).array(of: Float.self) == [1.5, -2])
    #expect(Tensor([1, -2]).array(of: Int.self) == [1, -2])
    #expect(Tensor([true, false]).array(of: Bool.self) == [true, false])
    #expect(Tensor([1, 2, 255] as [UInt8]).array(of: UInt8.self) == [1, 2, 255])
    #expect(Tensor([1.5] as [Float]).to(.bfloat16).array(of: Double.self) == [1.5])
  }

  @Test("a product of matrices is the sum over the inner dimension")
  func product() {
    let a = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    let b = Tensor([5, 6, 7, 8] as [Float], shape: [2, 2])
    #expect(matmul(a, b).array(of: Float.self) == [19, 22, 43, 50])
  }

  @Test("the gradient of a sum of squares is twice the values")
  func gradient() {
    let x = Tensor([1, -3] as [Float]).requiringGradient()
    (x * x).sum().backward()
    #expect(x.gradient?.array(of: Float.self) == [2, -6])
    x.clearGradient()
    #expect(x.gradient == nil)
    let found = gradients(of: [(x * x).sum()], by: [x, Tensor([1] as [Float]).requiringGradient()])
    #expect(found[0]?.array(of: Float.self) == [2, -6])
    #expect(found[1] == nil)
    #expect(withoutGradients { (x * x).requiresGradient } == false)
  }

  @Test("the same seed gives the same numbers, and a saved state goes on where it was saved")
  func generators() {
    let first = Generator(seed: 7)
    let second = Generator(seed: 7)
    let a = Tensor.randomNormal([100], generator: first).array(of: Float.self)
    #expect(a == Tensor.randomNormal([100], generator: second).array(of: Float.self))
    let state = first.state
    let b = Tensor.randomNormal([100], generator: first).array(of: Float.self)
    second.state = state
    #expect(b == Tensor.randomNormal([100], generator: second).array(of: Float.self))
    #expect(a != b)
  }

  @Test("inside withTorchErrors a misuse is an error with operation and shapes, not a trap")
  func errors() throws {
    let a = Tensor.zeros([2, 3])
    #expect {
      try withTorchErrors { (matmul(a, a) + 1).sum().item(as: Float.self) }
    } throws: { error in
      let text = "\(error)"
      return text.contains("aten::matmul") && text.contains("float32[2, 3]")
    }
    #expect(try withTorchErrors { a.sum().item(as: Float.self) } == 0)
  }

  @Test("a CUDA device that is not there is an error with a sentence")
  func absentDevice() {
    #expect(throws: TorchError.self) { try Device.cuda(127).prepare() }
    #expect(Device(name: "cuda:1") == .cuda(1))
    #expect(Device(name: "cuda:x") == nil)
  }

  @Test("memory of others is released once, when the last view has gone")
  func wrapping() {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 8)
    memory.storeBytes(of: 2.5, as: Double.self)
    var released = 0
    do {
      let whole = Tensor(wrapping: memory, shape: [1], dtype: .float64) { released += 1 }
      let view = whole.slice(0..<1, dim: 0)
      #expect(view.item(as: Double.self) == 2.5)
      #expect(released == 0)
    }
    #expect(released == 1)
    memory.deallocate()
  }

  private func comeAndGo() {
    let x = Tensor.randomNormal([4, 4], generator: Generator(seed: 1)).requiringGradient()
    _ = x.split([1, 3], dim: 0)
    (x * x).sum().backward()
    #expect(throws: TorchError.self) { try withTorchErrors { matmul(x, Tensor.zeros([3])) } }
    _ = x.top(2)
  }

  /// The count is of the whole process, where other tests come and go: it is looked at until a stretch of rounds ends
  /// with fewer handles more than rounds, which no stretch would if each round lost one.
  @Test("no handle outlives its tensor, whatever fails on the way")
  func handles() {
    let rounds = 200
    let isKept = (0..<10).contains { _ in
      let before = Runtime.liveTensorCount
      for _ in 0..<rounds { comeAndGo() }
      return Runtime.liveTensorCount - before < rounds
    }
    #expect(isKept)
  }
}
