/// How the page looks, in light, in dark and on paper.
enum PageStyle {
  /// The style sheet.
  static let sheet = "\n" + colours + layout + tables + charts + paper

  private static let light = """
    --page: #fcfcfb; --ink: #1c1d1f; --soft: #5b6068; --rule: #d8dade; --panel: #f2f3f4;
    --accent: #0a5fb4; --warm: #fff4e0; --grid: #e4e6e9; --shade: #b9bec5; --heat: #0a4f9e;
    --full: #b4400b; --full-ink: #ffffff; --window: #bcd9f5; --window-ink: #0b3763;
    --linear: #e6e8ea; --linear-ink: #4b5058; --hatch: #3f86c9;
    --c0: #0a5fb4; --c1: #c2410c; --c2: #0f7b5f; --c3: #8b3fa8;
    --c4: #94650a; --c5: #be185d; --c6: #0e7490; --c7: #707782;
    """

  private static let dark = """
    --page: #16181b; --ink: #e7e8ea; --soft: #a4a9b1; --rule: #3a3f46; --panel: #202327;
    --accent: #79b8ff; --warm: #3a2f1a; --grid: #2d3137; --shade: #5a626c; --heat: #79b8ff;
    --full: #f08a4b; --full-ink: #221003; --window: #1d4a77; --window-ink: #eaf4ff;
    --linear: #31363d; --linear-ink: #c3c8cf; --hatch: #5c9bd8;
    --c0: #6db3ff; --c1: #ff9a5c; --c2: #4fd1a5; --c3: #d79bf0;
    --c4: #e5c04b; --c5: #ff8ab8; --c6: #5ccfe6; --c7: #a2aab5;
    """

  private static let colours = """
    :root { color-scheme: light dark; \(light) }
    @media screen and (prefers-color-scheme: dark) { :root { \(dark) } }

    """

  private static let layout = """
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--page); color: var(--ink);
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
    main { max-width: 66rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
    h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; overflow-wrap: anywhere; }
    h2 { font-size: 1.25rem; line-height: 1.3; margin: 2rem 0 .5rem; }
    section { border-top: 1px solid var(--rule); margin-top: 2.5rem; }
    section h2 { margin-top: 1.25rem; }
    p { margin: 0 0 .75rem; max-width: 46rem; overflow-wrap: anywhere; }
    .lead { font-size: 1.15rem; }
    .facts, .introduction, .absent, figcaption, caption { color: var(--soft); }
    .absent { font-style: italic; }
    .partial { background: var(--warm); border-left: 4px solid var(--c1); padding: .75rem 1rem;
      margin: 1rem 0; }
    .partial p, .partial ul { margin: 0; }
    .headlines { display: grid; gap: .75rem; margin: 1.25rem 0;
      grid-template-columns: repeat(auto-fill, minmax(min(100%, 12.5rem), 1fr)); }
    .headline { background: var(--panel); border-radius: 6px; padding: .75rem 1rem; }
    .headline p { margin: 0; }
    .headline .name { font-size: .85rem; color: var(--soft); }
    .headline .value { font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; }
    .headline .detail { font-size: .8rem; color: var(--soft); }
    .strip { display: flex; flex-wrap: wrap; row-gap: 4px; }
    .shape { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 0; }
    .shape dt { font-size: .8rem; color: var(--soft); }
    .shape dd { margin: 0; font-variant-numeric: tabular-nums; }
    nav { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; margin-top: 2rem; font-size: .9rem; }
    a { color: var(--accent); text-underline-offset: 2px; }
    nav .absent { color: var(--soft); }
    summary { cursor: pointer; }
    pre { overflow-x: auto; background: var(--panel); border-radius: 6px; padding: 1rem;
      font: .85rem/1.45 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }

    """

  private static let tables = """
    .scroll { overflow-x: auto; margin: 1rem 0;
      background: linear-gradient(to right, var(--page) 40%, transparent) left / 3rem 100% local,
        linear-gradient(to left, var(--page) 40%, transparent) right / 3rem 100% local,
        linear-gradient(to right, var(--shade), transparent) left / .8rem 100% scroll,
        linear-gradient(to left, var(--shade), transparent) right / .8rem 100% scroll;
      background-repeat: no-repeat; }
    table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
    caption { text-align: left; padding-bottom: .35rem; font-weight: 600; }
    th, td { padding: .35rem .9rem .35rem 0; text-align: left; border-bottom: 1px solid var(--rule);
      white-space: nowrap; }
    th { vertical-align: bottom; font-weight: 600; white-space: normal; min-width: 4.5rem;
      max-width: 11rem; }
    th:first-child, td:first-child { padding-left: .5rem; }
    .number { text-align: right; }
    tr.chosen td { background: var(--panel); font-weight: 600; }
    .tag { font-size: .72rem; font-weight: 600; color: var(--page); background: var(--accent);
      border-radius: 3px; padding: .05rem .35rem; margin-left: .4rem; }

    """

  private static let charts = """
    .figures { display: grid; gap: 1.25rem 2rem; margin: 1rem 0; align-items: start;
      grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); }
    figure { margin: 0; min-width: 0; }
    figcaption { font-size: .875rem; font-weight: 600; overflow-wrap: anywhere; }
    svg { display: block; }
    svg.chart { width: 100%; height: auto; max-width: 36rem; }
    svg.natural { width: auto; max-width: none; flex: none; }
    svg.key, svg.small { display: inline-block; vertical-align: middle; flex: none; }
    .legend { list-style: none; margin: .25rem 0 .5rem; padding: 0; display: flex; flex-wrap: wrap;
      gap: .2rem 1.1rem; font-size: .8rem; color: var(--soft); align-items: center; max-width: none; }
    .legend li { display: flex; gap: .4rem; align-items: center; overflow-wrap: anywhere; }
    svg text { font-family: inherit; font-size: 11px; fill: var(--soft); }
    svg text.label { font-size: 12px; }
    svg text.name { font-size: 12px; fill: var(--ink); paint-order: stroke; stroke: var(--page);
      stroke-width: 3px; stroke-linejoin: round; }
    svg text.value { fill: currentColor; paint-order: stroke; stroke: var(--page);
      stroke-width: 3px; stroke-linejoin: round; }
    svg text.strong { font-weight: 600; fill: var(--ink); }
    svg text.letter { font-size: 13px; font-weight: 600; paint-order: stroke; stroke-width: 4px; }
    .grid { stroke: var(--grid); stroke-width: 1; }
    .axis { stroke: var(--soft); stroke-width: 1; }
    .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke: currentColor; }
    .range { stroke-opacity: .28; stroke-width: 1; }
    .mark { fill: currentColor; stroke: var(--page); stroke-width: 1; }
    .error { fill: none; stroke: currentColor; stroke-width: 1.3; }
    .ink { color: var(--ink); }
    .ring { fill: none; stroke: var(--ink); stroke-width: 1.6; }
    .heat { fill: var(--heat); }
    .void { fill: none; stroke: var(--rule); stroke-dasharray: 2 2; }
    rect.full { fill: var(--full); }
    rect.window { fill: var(--window); }
    rect.linear { fill: var(--linear); }
    .hatch { stroke: var(--hatch); stroke-width: 1.3; fill: none; }
    svg text.letter.full { fill: var(--full-ink); stroke: var(--full); }
    svg text.letter.window { fill: var(--window-ink); stroke: var(--window); }
    svg text.letter.linear { fill: var(--linear-ink); stroke: var(--linear); }
    svg text.letter.void { fill: var(--soft); stroke: var(--page); }
    .c0 { color: var(--c0); } .c1 { color: var(--c1); } .c2 { color: var(--c2); }
    .c3 { color: var(--c3); } .c4 { color: var(--c4); } .c5 { color: var(--c5); }
    .c6 { color: var(--c6); } .c7 { color: var(--c7); }

    """

  private static let paper = """
    @media print {
      :root { --page: #ffffff; }
      body { font-size: 10pt; }
      main { max-width: none; padding: 0; }
      nav { display: none; }
      figure, tr, .headline { break-inside: avoid; }
      h2, .introduction { break-after: avoid; }
      .scroll { overflow: visible; background: none; }
      table { font-size: 7.5pt; }
      svg, .headline, .tag, .partial, tr.chosen td { print-color-adjust: exact; }
      details::details-content { content-visibility: visible; block-size: auto; }
      pre { white-space: pre-wrap; }
    }

    """
}
