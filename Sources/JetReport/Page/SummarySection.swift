/// What was converted into what, and the numbers that matter most.
struct SummarySection {
  /// All that is known.
  let content: ReportContent

  /// The head of the page.
  var markup: Markup {
    .element(
      "header", [:],
      [
        .element("h1", text: content.title), .element("p", ["class": "lead"], text: lead),
        .element("p", ["class": "facts"], text: facts), partial, headlines, architecture, shape,
      ])
  }

  private var lead: String {
    let teacher = content.teacher.isEmpty ? "The teacher" : content.teacher
    guard let placement = content.chosenPlacement, !placement.isEmpty else {
      return "\(teacher) is being converted into a hybrid; no placement has been chosen yet."
    }
    let parts = "FWL".compactMap { letter -> String? in
      let count = placement.count { $0 == letter }
      return count == 0 ? nil : "\(count) \(count == 1 ? "layer" : "layers") of \(kind(letter))"
    }
    guard !parts.isEmpty else {
      return "\(teacher) was converted; the letters of its placement are none of F, W and L."
    }
    return "\(teacher) was converted into a hybrid: \(parts.joined(separator: ", "))."
  }

  private func kind(_ letter: Character) -> String {
    guard letter == "L" else { return LayerStrip.name(letter) }
    return content.chosenBlock ?? "linear attention"
  }

  private var facts: String {
    [
      content.date, content.machine,
      content.jetVersion.isEmpty ? "" : "Jet \(content.jetVersion)",
    ].filter { !$0.isEmpty }.joined(separator: " · ")
  }

  private var partial: Markup {
    guard !content.missing.isEmpty else { return .empty }
    return .element(
      "div", ["class": "partial"],
      [
        .element("p", text: "This report is not complete. Still missing:"),
        .element("ul", [:], content.missing.map { .element("li", text: $0) }),
      ])
  }

  private var headlines: Markup {
    let all = Headline.all(of: content)
    guard !all.isEmpty else { return .empty }
    return .element(
      "div", ["class": "headlines"],
      all.map { headline in
        .element(
          "div", ["class": "headline"],
          [
            .element("p", ["class": "name"], text: headline.name),
            .element("p", ["class": "value"], text: headline.value),
            .element("p", ["class": "detail"], text: headline.detail),
          ])
      })
  }

  private var architecture: Markup {
    guard let placement = content.chosenPlacement, !placement.isEmpty else { return .empty }
    return .joined([
      .element("h2", text: "The chosen architecture"), LayerStrip(placement: placement).markup,
    ])
  }

  private var shape: Markup {
    guard let shape = content.teacherShape else { return .empty }
    let facts: [(name: String, value: Int?)] = [
      ("Parameters", shape.parameterCount), ("Layers", shape.layerCount), ("Width", shape.width),
      ("Heads", shape.headCount), ("Heads of keys and values", shape.keyValueHeadCount),
      ("Width of a head", shape.headWidth),
      ("Width of the feed-forward part", shape.feedForwardWidth),
      ("Vocabulary", shape.vocabularyCount), ("Trained context, tokens", shape.contextTokens),
    ]
    let known = facts.filter { $0.value != nil }
    guard !known.isEmpty else { return .empty }
    return .joined([
      .element("h2", text: "The teacher"),
      .element(
        "dl", ["class": "shape"],
        known.map { fact in
          .element(
            "div", [:],
            [
              .element("dt", text: fact.name),
              .element("dd", text: NumberText.count(fact.value)),
            ])
        }),
    ])
  }
}
