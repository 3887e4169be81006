import Foundation
import JetFormats
import JetKernels
import JetModels
import JetTensor
import JetTestSupport
import Testing

@testable import JetCheckpoint

@Suite("Memory")
struct MemoryTests {
  @Test("Loading a bfloat16 checkpoint takes at most its size and a tenth")
  func peak() async {
    // The peak is that of a whole process, so the model is loaded in one of its own.
    let process = await #expect(
      processExitsWith: .success, observing: [\.standardOutputContent]
    ) {
      let folder = try TemporaryFolder()
      try Self.writeCheckpoint(folder)
      let checkpoint = try Checkpoint(folder.path)
      // Whatever libtorch takes once is taken before the measurement.
      _ = Tensor.zeros([1]).array(of: Float.self)
      try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
      let before = try Self.kilobytes("VmRSS")
      let seconds = ContinuousClock().measure {
        do {
          let model = try checkpoint.model()
          precondition(model.parameters.byteCount == checkpoint.storedByteCount)
        } catch {
          preconditionFailure("\(error)")
        }
      }
      let peak = (try Self.kilobytes("VmHWM") - before) * 1024
      let ratio = Double(peak) / Double(checkpoint.storedByteCount)
      print("loading \(checkpoint.storedByteCount) bytes took \(ratio) of them and \(seconds)")
      precondition(ratio <= 1.10, "the peak is \(ratio) of the checkpoint's size")
    }
    print(String(decoding: process?.standardOutputContent ?? [], as: UTF8.self), terminator: "")
  }

  /// Half a gigabyte in the form of Llama; a page of zeros is a page like any other.
  private static func writeCheckpoint(_ folder: TemporaryFolder) throws {
    let attention = AttentionConfiguration(heads: 16, keyValueHeads: 4, headWidth: 128)
    let configuration = ModelConfiguration(
      family: .llama, vocabularySize: 32_000, width: 2048, mlpWidth: 8192,
      mixers: Array(repeating: .attention(attention), count: layers), normEps: 1e-5,
      rotary: .init(theta: 1e4), maximumPositions: 2048, tiesEmbeddings: true)
    let text = try configuration.huggingFace(dtype: .bfloat16).written()
    try folder.write(text, as: "config.json")
    // Building over memory that is never touched gives the names and shapes.
    let names = NameList()
    _ = try HybridModel(
      configuration, parameters: ParameterStore(source: names, dtype: .bfloat16))
    let tensors = names.shapes.map { name, shape in
      TensorToWrite(name: name, elementType: .bfloat16, shape: shape) { output in
        let row = [UInt8](repeating: 0x3C, count: shape.dropFirst().reduce(2, *))
        for _ in 0..<shape[0] { try output.write(row) }
      }
    }
    try SafetensorsWriter.write(tensors, toFolder: folder.url)
  }

  private static let layers = 3

  private static func kilobytes(_ key: String) throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("\(key):") }
    return Int(line?.split(whereSeparator: { !$0.isNumber }).first ?? "") ?? 0
  }

  private final class NameList: ParameterSource {
    var shapes: [(String, [Int])] = []

    func contains(_ name: String) -> Bool { true }

    func read(
      _ name: String, shape: [Int], dtype: DType, into destination: UnsafeMutableRawBufferPointer
    ) throws {
      shapes.append((name, shape))
    }
  }
}
