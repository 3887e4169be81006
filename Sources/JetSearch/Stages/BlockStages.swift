import JetModels

/// Stages 3, 4 and 5: which linear mixer, in which form, of which sizes.
struct BlockStages {
  let session: SearchSession
  let placement: Placement

  /// Stage 3.
  func blocks() throws -> TrainedCandidate {
    let own = session.configuration.blocks
    let forms = try own.candidates.map {
      (name: $0, linear: try SearchPlan.linear($0, session.teacher.configuration))
    }
    let all = try training(.blocks, own.training).candidates(forms)
    return try choose(.blocks, all, own.rule)
  }

  /// Stage 4: the JetBlock's forms against the winner of stage 3.
  func newBlock(against winner: TrainedCandidate) throws -> TrainedCandidate {
    let own = session.configuration.newBlock
    guard own.isTried else { return winner }
    let jet = try SearchPlan.linear(JetBlockConfiguration.kind, session.teacher.configuration)
    let forms =
      [(name: "jet", linear: jet)]
      + own.ablations.map { (name: $0.name, linear: SearchPlan.changed(jet, $0)) }
    let all = try training(.newBlock, own.training).candidates(forms)
    return try choose(.newBlock, [winner] + all, own.rule)
  }

  /// Stage 5: rows of a constant memory against the block as it is.
  func grid(around block: TrainedCandidate) throws -> TrainedCandidate {
    let own = session.configuration.grid
    let rows = try GridRows.rows(own, of: block.linear)
    let forms = rows.compactMap { row in
      GridRows.resized(block.linear, to: row).map { (name: row.name, linear: $0) }
    }
    let all = try training(.grid, own.training).candidates(forms)
    return try choose(.grid, [block] + all, own.rule)
  }

  private func training(_ stage: SearchStage, _ budget: TrainingBudget) -> CandidateTraining {
    CandidateTraining(session: session, stage: stage, placement: placement, budget: budget)
  }

  private func choose(
    _ stage: SearchStage, _ candidates: [TrainedCandidate], _ rule: SelectionRule
  ) throws -> TrainedCandidate {
    let guide = session.configuration.placement.guide
    let chosen = TrainedCandidate.chosen(candidates, by: rule, guide: guide)
    try session.journal.record(chosen.name, stage: stage.rawValue, name: "chosen")
    session.tell(stage, chosen.name, "goes on, among \(candidates.count)")
    return chosen
  }
}
