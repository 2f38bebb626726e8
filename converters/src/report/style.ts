/** The page's style sheet; light and dark follow the reader's system. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1b2330; --soft: #5b6778; --line: #dfe4ea; --paper: #fff;
  --card: #f6f8fa; --good: #1a7f4b; --fair: #b7791f; --poor: #c2372b; --plain: #3b6fb6; --reach: #b9d3f0; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e4e9f0; --soft: #9aa7b8; --line: #2c3542;
  --paper: #12171e; --card: #1a212b; --good: #46c083; --fair: #e0a84b; --poor: #f07a6c; --plain: #6ea3e8; --reach: #2f4d70; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 32px 24px 64px; max-width: 1080px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 40px 0 8px; }
h3 { font-size: 15px; margin: 24px 0 6px; } p { margin: 6px 0 12px; max-width: 76ch; }
.soft { color: var(--soft); } code { font: 13px ui-monospace, Menlo, monospace; overflow-wrap: anywhere; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 600; color: var(--soft); } th, td { padding: 6px 10px 6px 0; vertical-align: top;
  border-bottom: 1px solid var(--line); } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.chosen td { font-weight: 600; } .badge { border-radius: 9px; padding: 1px 8px; font-size: 12px; white-space: nowrap;
  border: 1px solid currentColor; } .badge.good { color: var(--good); } .badge.poor { color: var(--poor); } .badge.fair { color: var(--fair); }
.notes { list-style: none; padding: 0; } .notes li { border-left: 3px solid var(--fair); background: var(--card); padding: 6px 12px; margin: 6px 0; }
details { border: 1px solid var(--line); border-radius: 8px; margin: 10px 0; padding: 0 14px; } details[open] { padding-bottom: 12px; }
summary { cursor: pointer; padding: 9px 0; font-weight: 600; } summary + h3 { margin-top: 4px; } details details { background: var(--card); }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; } svg text { fill: var(--ink); }
svg .name { text-anchor: end; fill: var(--soft); } svg .tick { text-anchor: middle; fill: var(--soft); } svg .figure { fill: var(--soft); }
svg .node { text-anchor: end; fill: var(--soft); font: 11px ui-monospace, Menlo, monospace; } svg .grid { stroke: var(--line); }
svg .number { text-anchor: middle; font-size: 11px; paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
svg .leader { stroke: var(--ink); stroke-width: .7; }
svg .good { fill: var(--good); } svg .fair { fill: var(--fair); } svg .poor { fill: var(--poor); } svg .plain { fill: var(--plain); }
svg .front-line { fill: none; stroke: var(--plain); stroke-width: 1.5; } svg .reach { fill: var(--reach); } svg .seen { stroke: var(--plain); stroke-width: 2; }
svg .point { stroke: var(--paper); } svg .point.outside { fill: var(--poor); fill-opacity: .65; } svg .point.within { fill: var(--soft); fill-opacity: .65; }
svg .point.front { fill: var(--plain); } svg .point.chosen { fill: var(--good); }
.key span { margin-right: 16px; } .key i { display: inline-block; width: 10px; height: 10px; border-radius: 5px; margin-right: 5px; }
pre { background: var(--card); border-radius: 8px; padding: 12px; overflow-x: auto; font: 12.5px/1.45 ui-monospace, Menlo, monospace; }
p.list { max-width: none; }
@media print { body { max-width: none; padding: 0; } .wide, pre { overflow: visible; } pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  details::details-content { display: block; content-visibility: visible; block-size: auto; opacity: 1; } summary { list-style: none; }
  h2, h3, summary { break-after: avoid; } svg, tr, li { break-inside: avoid; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`;
