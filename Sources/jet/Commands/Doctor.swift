import ArgumentParser

/// Says what this machine has and lacks.
struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what was found on this machine, what is missing, and what to do about it.",
    discussion: """
      EXAMPLES
        jet doctor
        jet doctor --json
      """)

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let findings = Examination.findings()
    guard !json else {
      struct Report: Encodable { let findings: [Finding] }
      return try Terminal.print(jsonLine(Report(findings: findings)))
    }
    for finding in findings { try Terminal.print(finding.text) }
    let missing = findings.filter { $0.state == .missing }.map(\.name)
    try Terminal.print(
      missing.isEmpty
        ? "All that is needed is there." : "Missing: \(missing.joined(separator: ", ")).")
  }
}
