extension ReportPage {
  /// How much each layer matters.
  var importance: Section {
    let rows = content.importance.filter { !$0.layers.isEmpty }
    var marked: [Int: (letter: String, name: String)] = [:]
    for (index, letter) in (content.chosenPlacement ?? "").enumerated() where "FW".contains(letter)
    {
      marked[index] = (String(letter), LayerStrip.name(letter))
    }
    let map = HeatMap(
      description: "How much each layer matters to each objective", column: "Layer",
      rows: rows.map { HeatMap.Row(name: $0.objective, values: $0.layers) }, marked: marked)
    return Section(
      anchor: "importance", title: "Importance of the layers",
      introduction:
        "What each objective gains when one layer alone keeps full attention, or loses when it "
        + "alone is replaced. Point at a cell for its value with its standard error."
        + (marked.isEmpty ? "" : " Letters below mark the layers that keep attention in the end."),
      parts: rows.isEmpty ? [] : [map.markup])
  }
}
