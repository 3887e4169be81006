import Foundation
import JetReport
import Testing

@Suite struct ReportPageTests {
  /// Writes the sample pages into the folder of `JET_REPORT_SAMPLES`, to be looked at in a browser.
  @Test func theSamplePageIsWellFormedAndShowsAllParts() throws {
    let html = ReportPage(SampleContent.complete).html()
    let page = WellFormed(html)
    #expect(page.problem == nil)
    #expect(page.elements["section"] == 12)
    #expect(page.elements["script"] == nil)
    #expect(page.elements["img"] == nil)
    #expect(!html.contains("Nothing has been recorded"))
    #expect(page.text.contains("SAMPLE"))
    #expect(html.utf8.count < 1_500_000)
    if let folder = ProcessInfo.processInfo.environment["JET_REPORT_SAMPLES"] {
      for (name, content) in [
        ("complete", SampleContent.complete), ("partial", SampleContent.partial),
        ("hostile", Self.hostile("</script><b a='\">&")), ("empty", ReportContent(title: "SAMPLE")),
      ] {
        try ReportPage(content).html().write(
          to: URL(filePath: folder).appending(path: "\(name).html"), atomically: true,
          encoding: .utf8)
      }
    }
  }

  @Test func theSummaryComparesTheResultWithTheTeacher() {
    let text = WellFormed(ReportPage(SampleContent.complete).html()).text
    #expect(text.contains("42.5 ± 2.1 %"))
    #expect(text.contains("difference −4.0 ± 1.8 %"))
    #expect(text.contains("6.4 times as much"))
    #expect(text.contains("4 layers of full attention"))
    #expect(text.contains("24 layers of JetBlock"))
  }

  @Test func emptyContentSaysOfEveryPartThatItIsAbsent() {
    let html = ReportPage(ReportContent(title: "")).html()
    #expect(WellFormed(html).problem == nil)
    #expect(html.components(separatedBy: "Nothing has been recorded").count == 13)
    #expect(html.contains("no placement has been chosen yet"))
  }

  @Test func aRunInProgressListsWhatIsMissing() {
    let page = WellFormed(ReportPage(SampleContent.partial).html())
    #expect(page.problem == nil)
    #expect(page.text.contains("not complete"))
    for part in SampleContent.partial.missing { #expect(page.text.contains(part)) }
  }

  @Test(arguments: [
    "<script>alert(1)</script>", "\" onload=\"alert(1)", "' x='", "]]>", "<!--", "&amp;",
    "\u{0}\u{8}",
    "\u{202E}gnorw", "\u{FFFE}", "</style>", String(repeating: "W", count: 5_000), "🙂é\u{301}", "",
  ])
  func hostileNamesStayText(name: String) {
    let html = ReportPage(Self.hostile(name)).html()
    let page = WellFormed(html)
    let plain = WellFormed(ReportPage(Self.hostile("plain")).html())
    #expect(page.problem == nil)
    #expect(page.elements["script"] == nil)
    #expect(page.elements["section"] == plain.elements["section"])
    #expect(!html.contains(" onload=\""))
    #expect(!html.unicodeScalars.contains("\u{202E}"))
  }

  @Test func namesAreShownAsTheyAre() {
    let name = "a<b> & \"c\" 'd'"
    #expect(WellFormed(ReportPage(Self.hostile(name)).html()).text.contains(name))
  }

  @Test func singleAndEqualValuesAndNumbersThatAreNoneAreDrawn() {
    for value in [0, 1, -1, .nan, .infinity, 1e308, -1e308, .leastNonzeroMagnitude] {
      let html = ReportPage(Self.hostile("n", Estimate(value, standardError: value))).html()
      #expect(WellFormed(html).problem == nil)
      #expect(!html.contains("nan") && !html.contains("inf "))
    }
  }

  /// Content with one name and one number wherever there is room for one.
  private static func hostile(
    _ name: String, _ estimate: Estimate = Estimate(1, standardError: 0.5)
  ) -> ReportContent {
    let scores = [TaskScore(task: name, score: estimate), TaskScore(task: name, score: estimate)]
    let row = BlockRow(
      name: name, parameterCount: .max, scores: scores, trainingTokensPerSecond: estimate,
      prefillTokensPerSecond: estimate, decodeTokensPerSecond: estimate, stateBytes: .min,
      isChosen: true)
    let context = ContextPoint(
      context: 0, prefillTokensPerSecond: estimate, decodeTokensPerSecond: estimate,
      cacheBytes: .max)
    return ReportContent(
      title: name, teacher: name, machine: name, date: name, jetVersion: name,
      teacherShape: TeacherShape(layerCount: .min), configuration: name,
      importance: [LayerImportance(objective: name, layers: [estimate, estimate])],
      placements: [
        PlacementRow(
          objective: name, strategy: name, placed: name, count: .max, placement: name,
          score: estimate, differenceToUniform: estimate)
      ], chosenPlacement: name, chosenBlock: name, blocks: [row, row], ablations: [row],
      grid: [
        GridRow(
          keyWidth: .max, valueWidth: 0, headCount: -1, tokensPerSecond: estimate, score: estimate,
          isOnFront: true, isChosen: true)
      ], gains: [GainStep(name: name, scores: scores)],
      losses: [
        LossCurve(
          stage: name, name: name,
          points: [LossPoint(tokens: estimate.value, loss: estimate.value)])
      ],
      comparison: [
        ModelRow(
          name: name, role: .teacher, scores: scores, perplexity: estimate, stateBytes: 0),
        ModelRow(
          name: name, role: .searched, scores: scores, perplexity: estimate, stateBytes: 1,
          differences: [PairedDifference(other: name, task: name, difference: estimate)]),
      ], comparisonContext: .max,
      contexts: [
        ContextCurve(model: name, role: .teacher, points: [context, context]),
        ContextCurve(model: name, role: .searched, points: [context]),
      ],
      costs: [
        StageCost(
          stage: name, seconds: estimate.value, tokens: .max, flops: estimate.value,
          candidates: .max),
        StageCost(stage: name, tokens: .max),
      ], notes: [name], missing: [name])
  }
}
