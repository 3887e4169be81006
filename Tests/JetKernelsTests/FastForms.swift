import JetTensor
import Testing

@testable import JetKernels

/// The instruction sets of this processor; each has CPU kernels of its own.
let instructionSets = ["portable", "avx2", "avx512", "avx512bf16"].filter { name in
  FastForm.withInstructionSet(name) {} != nil
}

/// Expects what `fast` makes of `inputs` to be near `reference`, on each instruction set.
///
/// Before each call it runs on NaN alone: outputs and work space are then likely to lie where NaN lay, so a number that
/// is read before it is written shows.
///
/// - Parameters:
///   - bounds: one for each result.
///   - fast: changes none of its arguments; what an operation changes in place it copies first.
func expectFast(
  _ bounds: [Double], _ inputs: [Tensor], near reference: [Tensor],
  sourceLocation: SourceLocation = #_sourceLocation, _ fast: ([Tensor]) -> [Tensor]
) {
  withoutGradients {
    for set in instructionSets {
      let results = FastForm.withInstructionSet(set) {
        _ = fast(inputs.map { $0 * .nan })
        return fast(inputs)
      }
      guard let results, results.count == reference.count, bounds.count == results.count else {
        Issue.record("\(set): other results than references", sourceLocation: sourceLocation)
        return
      }
      for (i, result) in results.enumerated() {
        expectNear(
          result, near: reference[i], bounds[i], "result \(i) on \(set)",
          sourceLocation: sourceLocation)
      }
    }
  }
}

/// Expects `body` to fail inside `withTorchErrors` with a message that holds all of `words`.
func expectFailure(
  _ words: String..., sourceLocation: SourceLocation = #_sourceLocation, of body: () -> Tensor
) {
  #expect(sourceLocation: sourceLocation) {
    try withTorchErrors { withoutGradients { _ = body() } }
  } throws: { error in
    let text = "\(error)"
    let missing = words.filter { !text.contains($0) }
    if !missing.isEmpty { Issue.record("\(missing) not in: \(text)") }
    return missing.isEmpty
  }
}
