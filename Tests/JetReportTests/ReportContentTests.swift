import Foundation
import JetReport
import Testing

@Suite struct ReportContentTests {
  @Test func contentSurvivesJSONAlsoWithNumbersThatAreNotFinite() throws {
    var content = ReportContent(title: "A run")
    content.costs = [StageCost(stage: "training", seconds: .infinity)]
    content.placements = [
      PlacementRow(
        objective: "loss", strategy: "beam", count: 2, placement: "LFLF",
        score: Estimate(-2.5, standardError: 0.25))
    ]
    #expect(try ReportContent(json: content.json()) == content)
    content.importance = [LayerImportance(objective: "loss", layers: [Estimate(.nan)])]
    let decoded = try ReportContent(json: content.json())
    #expect(decoded.importance.first?.layers.first?.value.isNaN == true)
  }

  @Test func anotherTextIsRefused() {
    #expect(throws: DecodingError.self) { try ReportContent(json: Data("[1]".utf8)) }
  }
}
