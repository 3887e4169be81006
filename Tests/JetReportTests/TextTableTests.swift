import JetReport
import Testing

@Suite struct TextTableTests {
  @Test func textsStandOnTheLeftAndNumbersOnTheRight() {
    let rows = [["name", "n", "kind"], ["a", "1,000", "x"], ["longer", "", ""]]
    #expect(
      TextTable.aligned(rows, texts: [0, 2]) == """
        name        n  kind
        a       1,000  x
        longer
        """)
    #expect(TextTable.aligned([["a", "b"], ["", "10"]]) == "a   b\n   10")
    #expect(TextTable.aligned([]) == "")
  }
}
