import ArgumentParser
import JetReport

/// The program `jet`: one command for each thing that can be done with a model.
@main
struct Jet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "jet",
    abstract: "Run Jet-Nemotron, Llama, Qwen2 and Qwen3 models.",
    discussion: """
      MODEL is a folder with config.json and safetensors, a .gguf file, or a name: one that \
      `make setup` knows, or that of a folder or file in a folder named by JET_MODELS.

      EXAMPLES
        jet generate smollm2-135m "The capital of France is"
        jet chat smollm2-135m
        jet info smollm2-135m --context 8192
        jet doctor

      Completion for bash, zsh or fish: jet --generate-completion-script bash
      """,
    version: jetVersion,
    subcommands: [
      Generate.self, Chat.self, Info.self, Tokenize.self, Logits.self, Bench.self,
      BenchTraining.self, Throughput.self, Eval.self, PostNASCommand.self, Train.self, Doctor.self,
    ])
}
