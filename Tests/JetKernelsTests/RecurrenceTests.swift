import JetKernels
import JetTensor
import JetTestSupport
import Testing

@Suite("Chunked forms of operations with a memory")
struct RecurrenceTests {
  private func expectAgreement(
    _ operation: Recurrence, _ form: Recurrence.Form, _ sizes: Recurrence.Sizes, decay: Double
  ) {
    withoutGradients {
      let inputs = operation.inputs(sizes, decay)
      var (expectedMemory, memory) = (sizes.memory, sizes.memory)
      let expected = operation.definition(inputs, &expectedMemory)
      let result = form(inputs, &memory)
      expectNear(result, near: expected, Bound.recurrence.relative(.float32), "read-outs")
      expectNear(memory, near: expectedMemory, Bound.recurrence.relative(.float32), "memory")
    }
  }

  @Test(
    "chunks give what token by token gives, for lengths that are no multiple of the chunk",
    arguments: Recurrence.all, [1, 2, 31, 63, 64, 65, 200, 1000])
  func lengths(operation: Recurrence, tokens: Int) {
    let sizes = Recurrence.Sizes(tokens: tokens)
    expectAgreement(operation, operation.chunked, sizes, decay: 0.1)
    expectAgreement(operation, operation.entry, sizes, decay: 0.1)
  }

  @Test(
    "heads of 16 to 256 channels agree", arguments: Recurrence.all,
    [(16, 16), (16, 256), (48, 40), (256, 96), (256, 256)])
  func widths(operation: Recurrence, widths: (Int, Int)) {
    let sizes = Recurrence.Sizes(batch: 1, tokens: 70, keyWidth: widths.0, valueWidth: widths.1)
    expectAgreement(operation, operation.chunked, sizes, decay: 0.1)
  }

  @Test("no decay is too strong or too weak", arguments: Recurrence.all, [0, 1e-4, 1, 5, 50])
  func decays(operation: Recurrence, decay: Double) {
    expectAgreement(operation, operation.chunked, Recurrence.Sizes(tokens: 130), decay: decay)
  }

  @Test("tokens that forget all cost those after them no digits", arguments: Recurrence.all)
  func forgetting(operation: Recurrence) {
    let sizes = Recurrence.Sizes(tokens: 64)
    let inputs = operation.inputs(sizes, 1e-3)
    // The decays come last.
    inputs[inputs.count - 1].slice(0..<30, dim: 1).fill(-1000)
    withoutGradients {
      var (expectedMemory, memory) = (sizes.memory, sizes.memory)
      let expected = operation.definition(inputs, &expectedMemory)
      let result = operation.chunked(inputs, &memory)
      expectNear(result, near: expected, Bound.recurrence.relative(.float32), "read-outs")
      expectNear(memory, near: expectedMemory, Bound.recurrence.relative(.float32), "memory")
    }
  }

  @Test("calls with a carried memory give what one call gives", arguments: Recurrence.all)
  func split(operation: Recurrence) {
    let sizes = Recurrence.Sizes(tokens: 150)
    let inputs = operation.inputs(sizes, 0.1)
    withoutGradients {
      var (whole, carried) = (sizes.memory, sizes.memory)
      let expected = operation.chunked(inputs, &whole)
      let parts = [0..<47, 47..<48, 48..<150].map { range in
        operation.entry(inputs.map { $0.slice(range, dim: 1) }, &carried)
      }
      let joined = Tensor.concatenate(parts, dim: 1)
      expectNear(joined, near: expected, Bound.recurrence.relative(.float32), "read-outs")
      expectNear(carried, near: whole, Bound.recurrence.relative(.float32), "memory")
    }
  }

  /// A random weighting of read-outs and last memory; the last of `leaves` is the first memory.
  private func weighted(_ form: Recurrence.Form, _ leaves: [Tensor]) -> Tensor {
    var memory = leaves[leaves.count - 1]
    let outputs = form(Array(leaves.dropLast()), &memory)
    let generator = Generator(seed: 9)
    let ofOutputs = Tensor.randomNormal(outputs.shape, generator: generator)
    let ofMemory = Tensor.randomNormal(memory.shape, generator: generator)
    return (outputs * ofOutputs).sum() + (memory * ofMemory).sum()
  }

  private func gradients(_ form: Recurrence.Form, _ values: [Tensor]) -> [Tensor] {
    let leaves = values.map { $0.clone().requiringGradient() }
    return JetTensor.gradients(of: [weighted(form, leaves)], by: leaves).compactMap { $0 }
  }

  @Test(
    "chunks have the gradients of token by token", arguments: Recurrence.all,
    [(7, 0.1), (64, 0.1), (130, 0.1), (70, 5.0)])
  func gradients(operation: Recurrence, tokensAndDecay: (Int, Double)) {
    let sizes = Recurrence.Sizes(tokens: tokensAndDecay.0)
    let leaves = operation.inputs(sizes, tokensAndDecay.1) + [sizes.memory]
    let expected = gradients(operation.definition, leaves)
    let result = gradients(operation.chunked, leaves)
    #expect(expected.count == leaves.count)
    #expect(result.count == leaves.count)
    for (index, (found, wanted)) in zip(result, expected).enumerated() {
      expectNear(found, near: wanted, Bound.gradients, "input \(index)")
    }
  }

  @Test("the gradients are those of finite differences", arguments: Recurrence.all)
  func finiteDifferences(operation: Recurrence) {
    let sizes = Recurrence.Sizes(batch: 1, tokens: 5, heads: 1, keyWidth: 3, valueWidth: 4)
    let inputs = operation.inputs(sizes, 0.5) + [sizes.memory]
    func results(_ form: @escaping Recurrence.Form) -> ([Tensor]) -> [Tensor] {
      { x in
        var memory = x[x.count - 1]
        return [form(Array(x.dropLast()), &memory), memory]
      }
    }
    for form in [operation.definition, operation.chunked] {
      expectGradients(
        at: inputs, of: results(form), definition: results(operation.definition))
    }
  }
}
