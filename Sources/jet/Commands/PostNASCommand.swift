import ArgumentParser

/// The search for a hybrid, and what can be done with its run.
struct PostNASCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "postnas",
    abstract: "Search a hybrid model for a teacher, train it and compare it.",
    discussion: """
      A run takes a teacher through the steps of PostNAS: a super network, the placement of \
      attention, the linear block, the JetBlock, its sizes, the final training and the scores. All \
      that it does is in one folder; killed at any moment, it goes on from there. docs/postnas.md \
      has the keys of a configuration.

      EXAMPLES
        jet postnas run configs/smollm2-demo.yaml runs/demo
        jet postnas status runs/demo
        jet postnas resume runs/demo
        jet postnas join runs/demo
        jet postnas search runs/demo --size 3 --no-training
        jet postnas report runs/demo
        jet postnas export runs/demo models/hybrid
      """,
    subcommands: [
      PostNASRun.self, PostNASResume.self, PostNASJoin.self, PostNASStatus.self,
      PostNASSearch.self, PostNASReport.self, PostNASExport.self,
    ])
}
