import ArgumentParser
import Foundation
import Testing

@testable import jet

/// The help of each command is that of its file in Snapshots; `JET_UPDATE_SNAPSHOTS=1` writes them.
struct HelpTests {
  private static let commands: [String: any ParsableCommand.Type] = [
    "jet": Jet.self, "generate": Generate.self, "chat": Chat.self, "info": Info.self,
    "tokenize": Tokenize.self, "logits": Logits.self, "bench": Bench.self,
    "bench-training": BenchTraining.self, "eval": Eval.self, "doctor": Doctor.self,
    "postnas": PostNASCommand.self, "train": Train.self, "throughput": Throughput.self,
  ]

  /// The commands of `jet postnas`.
  private static let searchCommands: [String: any ParsableCommand.Type] = [
    "postnas-run": PostNASRun.self, "postnas-resume": PostNASResume.self,
    "postnas-status": PostNASStatus.self, "postnas-search": PostNASSearch.self,
    "postnas-report": PostNASReport.self, "postnas-export": PostNASExport.self,
    "postnas-join": PostNASJoin.self,
  ]

  @Test(arguments: commands.keys.sorted() + searchCommands.keys.sorted())
  func `help is as recorded`(name: String) throws {
    let command = try #require(Self.commands[name] ?? Self.searchCommands[name])
    let help = Jet.helpMessage(for: command, columns: 80) + "\n"
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Snapshots/\(name).txt")
    if ProcessInfo.processInfo.environment["JET_UPDATE_SNAPSHOTS"] != nil {
      try Data(help.utf8).write(to: file)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == help)
  }

  @Test func `every command has a snapshot and an example`() {
    let names = Jet.configuration.subcommands.map {
      $0.configuration.commandName ?? $0._commandName
    }
    #expect(Set(names).union(["jet"]) == Set(Self.commands.keys))
    let nested = PostNASCommand.configuration.subcommands.map {
      "postnas-" + ($0.configuration.commandName ?? $0._commandName)
    }
    #expect(Set(nested) == Set(Self.searchCommands.keys))
    for (name, command) in Self.commands.merging(
      Self.searchCommands, uniquingKeysWith: { a, _ in a })
    {
      #expect(command.configuration.discussion.contains("EXAMPLES"), "\(name)")
    }
  }
}
