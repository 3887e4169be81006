import ArgumentParser
import Foundation
import JetCheckpoint
import JetFormats
import JetModels
import JetTensor

/// Writes a model's logits to a file.
struct Logits: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write the logits of each position to a safetensors file.",
    discussion: """
      The file gets one float32 tensor `logits`: [T, V] for --ids, [B, T, V] for --batch, zeros \
      where a row of the batch has no token. --chunks reads the tokens in pieces of the given \
      sizes with the state carried between them; the results agree with those of one piece but \
      for rounding.

      EXAMPLES
        jet logits smollm2-135m --ids 19556,28,905 --out logits.safetensors
        jet logits smollm2-135m --batch ids.safetensors --chunks 20,11,1 \\
          --out logits.safetensors
      """)

  @OptionGroup var model: ModelArgument

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Token ids, such as 1,2,3.", valueName: "ids"))
  var ids: IntegerList?

  @Option(
    help: ArgumentHelp(
      "A safetensors file with input_ids [B, T], int32 or int64, and lengths [B] of padded rows.",
      valueName: "file"),
    completion: .file(extensions: ["safetensors"]))
  var batch: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Sizes of the pieces (default: one piece).", valueName: "sizes"))
  var chunks: IntegerList?

  @Option(
    help: ArgumentHelp("The file to write.", valueName: "file"),
    completion: .file(extensions: ["safetensors"]))
  var out: String

  @OptionGroup(title: "Running") var runtime: RuntimeOptions

  func validate() throws {
    guard (ids == nil) != (batch == nil) else {
      throw ValidationError(
        ids == nil
          ? "There are no tokens; give --ids or --batch." : "Give --ids or --batch, not both."
      )
    }
  }

  func run() throws {
    Interrupt.install()
    try OutputPlace.expect(out, of: "--out")
    try runtime.prepare()
    let checkpoint = try model.checkpoint()
    let rows = try batch.map { try TokenFile.rows($0) } ?? [ids?.values ?? []]
    let run = try LogitsRun(rows: rows, pieces: chunks?.values, checkpoint.configuration)
    let shape = [rows.count, run.length, checkpoint.configuration.vocabularySize]
    try SystemMemory.require(
      shape.reduce(DType.float32.byteCount, *), for: "Holding logits of the shape \(shape)",
      on: .cpu)
    let loaded = try checkpoint.model(runtime, context: rows.count * run.length)
    let logits: Tensor
    do {
      logits = try run.logits(loaded)
    } catch is CancellationError {
      Terminal.note("Interrupted; nothing was written.")
      throw ExitCode(Interrupt.exitCode)
    }
    let stored = TensorToWrite(
      name: "logits", elementType: .float32,
      shape: batch == nil ? Array(shape.dropFirst()) : shape
    ) { output in
      try logits.withBytes { try output.write($0) }
    }
    try SafetensorsWriter.write([stored], to: URL(filePath: out))
    Terminal.note("[logits of the shape \(stored.shape) in \(out)]")
  }
}
