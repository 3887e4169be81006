import Testing

@testable import JetTensor

@Suite("Our CUDA kernels' library")
struct CUDAKernelsTests {
  @Test("it is looked for beside the program and in .build/cuda of the checkout")
  func places() {
    let paths = CUDAKernels.candidates(
      program: "/checkout/.build/x86_64-unknown-linux-gnu/release/jet", named: nil)
    #expect(
      paths == [
        "/checkout/.build/x86_64-unknown-linux-gnu/release/libjet_cuda.so",
        "/checkout/.build/cuda/libjet_cuda.so",
      ])
    #expect(
      CUDAKernels.candidates(program: "/opt/jet", named: nil) == ["/opt/libjet_cuda.so"])
  }

  @Test("a path by the environment takes the place of all others, and an empty one of none")
  func named() {
    #expect(CUDAKernels.candidates(program: "/opt/jet", named: "/else/x.so") == ["/else/x.so"])
    #expect(CUDAKernels.candidates(program: "/opt/jet", named: "") == [])
  }

  @Test("without a GPU nothing is loaded")
  func absent() {
    if (try? Device.cuda(0).prepare()) == nil { #expect(!CUDAKernels.isLoaded) }
  }
}
