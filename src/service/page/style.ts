/** The one style sheet of the page. */
export const style = `:root {
  color-scheme: light dark;
  --paper: light-dark(#ffffff, #14171c); --ink: light-dark(#1b1f24, #e4e8ee); --muted: light-dark(#57606a, #9aa4b2);
  --line: light-dark(#d5dae1, #333a45); --soft: light-dark(#f3f5f8, #1d2229); --link: light-dark(#0a58b8, #7db4ff);
  --bad: light-dark(#b3261e, #ff8a80); --mr: light-dark(#6f42c1, #c3a6ff); --pipeline: light-dark(#1f6f4a, #6fd6a3);
  --release: light-dark(#8a5a00, #f0b95a); --commit: light-dark(#57606a, #aab4c2); --image: light-dark(#0b6e88, #6fd0ea); --other: var(--muted);
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1600px; padding: 0 1rem 3rem; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline; justify-content: space-between; padding: .75rem 0; border-bottom: 1px solid var(--line);
  position: sticky; top: 0; background: var(--paper); z-index: 2; }
h1 { font-size: 1.1rem; margin: 0; } h1 a { color: inherit; text-decoration: none; }
h2 { font-size: 1.05rem; margin: .5rem 0; } h3 { font-size: .95rem; margin: 1rem 0 .3rem; }
.defs { position: absolute; } .muted, .facts, .note, .caption { color: var(--muted); } .facts { font-size: .9rem; margin: .2rem 0; }
.coverage { margin: 0; } .coverage ul { margin: .5rem 0; padding-left: 1.2rem; } .dot.ok { color: var(--pipeline); } .dot.behind { color: var(--release); }
form#query { padding: .75rem 0; border-bottom: 1px solid var(--line); }
.line { display: flex; flex-wrap: wrap; gap: .4rem .9rem; align-items: center; margin: .3rem 0; }
label { display: inline-flex; gap: .35rem; align-items: center; } fieldset { border: 0; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: .2rem .8rem; }
legend { float: left; margin-right: .5rem; }
input, select, button { font: inherit; color: inherit; background: var(--soft); border: 1px solid var(--line); border-radius: 5px; padding: .25rem .5rem; min-height: 2rem; }
input[type=checkbox] { min-height: 0; } button { cursor: pointer; padding: .25rem .9rem; } .quick a { margin-left: .5rem; } .quick [aria-current] { font-weight: 700; text-decoration: none; }
.tools { display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; align-items: baseline; padding: .6rem 0; } .tools p { margin: 0; } .tools nav a { margin-right: .6rem; }
.lanes { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; } .grid { min-width: 560px; }
.lane { display: grid; grid-template-columns: minmax(8rem, 16rem) 1fr; border-bottom: 1px solid var(--line); } .lane:last-child { border-bottom: 0; }
.lane .name { padding: .25rem .6rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; position: sticky; left: 0; background: var(--paper); z-index: 1; }
.track { display: block; overflow: visible; padding-right: .5rem; } .track text { font-size: 11px; fill: var(--muted); text-anchor: middle; } .base { stroke: var(--line); }
.unread rect { fill: var(--soft); stroke: var(--line); stroke-dasharray: 3 3; } .cell rect { fill: var(--soft); stroke: var(--line); } .cell.bad text { fill: var(--bad); font-weight: 700; }
.k-mr { --kind: var(--mr); } .k-pipeline { --kind: var(--pipeline); } .k-release { --kind: var(--release); } .k-commit { --kind: var(--commit); } .k-image { --kind: var(--image); } .k-other { --kind: var(--other); }
.bad { --kind: var(--bad); } .track a use, .track a rect, .icon { fill: var(--kind); } .track .cell rect { fill: var(--soft); } .icon { vertical-align: -2px; }
.rows { list-style: none; margin: .8rem 0; padding: 0; } .rows .day { font-weight: 700; padding: .6rem 0 .2rem; }
.row { position: relative; border-bottom: 1px solid var(--line); } .row:target { background: var(--soft); } .row summary { display: grid; grid-template-columns: 5.5rem 8.5rem 1fr minmax(6rem, 16rem) 8rem;
  gap: .6rem; padding: .4rem 5.5rem .4rem .3rem; cursor: pointer; list-style: none; } .row summary::-webkit-details-marker { display: none; }
.row .kind { color: var(--kind); white-space: nowrap; } .row.bad .what { color: var(--bad); font-weight: 600; } .row .project, .row .author { color: var(--muted); overflow-wrap: anywhere; } .what { overflow-wrap: anywhere; }
.row .out { position: absolute; right: .3rem; top: .4rem; } .inside { padding: .2rem .5rem .8rem 6.2rem; } .folded { list-style: none; padding-left: 2rem; }
.new { background: var(--soft); } .change table { border-collapse: collapse; margin: .3rem 0; } .change th, .change td { border: 1px solid var(--line); padding: .2rem .5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
.old { color: var(--muted); text-decoration: line-through; } pre { overflow-x: auto; background: var(--soft); padding: .6rem; } .pages { display: flex; gap: 1rem; }
.empty { padding: 2rem 1rem; border: 1px dashed var(--line); border-radius: 6px; } .problem { border-color: var(--bad); }
#news { position: sticky; bottom: 1rem; text-align: center; } dialog { color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; } dt { float: left; clear: left; width: 4rem; font-weight: 700; }
@media (max-width: 760px) {
  .row summary { grid-template-columns: auto 1fr; padding-right: 3rem; } .row .what { grid-column: 1 / -1; } .row .author { display: none; } .out span { display: none; } .inside { padding-left: .5rem; }
  .lane { grid-template-columns: 7rem 1fr; } header { position: static; }
}
@media print { form, .tools nav, .out, .pages, #news { display: none; } header { position: static; } }
`;
