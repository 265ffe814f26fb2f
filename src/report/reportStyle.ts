/** @file The report's style sheet: one column on a phone, light or dark as the reader's system is. */

export const REPORT_STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --text: #1c2128; --muted: #636c76; --line: #d9dee4; --accent: #0969da; --fill: #0969da22;
}
@media (prefers-color-scheme: dark) {
  :root { --page: #0f1216; --card: #171b21; --text: #e3e7ec; --muted: #8d96a0; --line: #2b313a; --accent: #58a6ff; --fill: #58a6ff2e; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 68rem; padding: 2rem 1rem 4rem; background: var(--page); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
h1 { margin: 0 0 .25rem; font-size: 1.75rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.15rem; }
p { margin: .25rem 0; }
.summary { color: var(--muted); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: .75rem; margin-top: 1.5rem; }
.figure { padding: .7rem .9rem; }
.figure b { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.figure:first-child b { color: var(--accent); }
.figure span { color: var(--muted); font-size: .85rem; }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: .75rem; }
.curves .card { padding: .5rem; }
.curves svg { display: block; width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.scroll > table { width: 100%; }
th, td { padding: .5rem .9rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
tr:last-child > * { border-bottom: 0; }
thead th { color: var(--muted); font-size: .85rem; font-weight: 500; }
th:first-child { text-align: left; }
.dense th, .dense td { padding: .25rem .9rem; }
.share { background: linear-gradient(to right, var(--fill) var(--share), transparent 0); }
.note { color: var(--muted); font-size: .9rem; }
.pictures { columns: 19rem; column-gap: .75rem; }
.pictures .wide { column-span: all; }
figure { margin: 0 0 .75rem; overflow: hidden; break-inside: avoid; }
figure img { display: block; width: 100%; height: auto; }
figcaption { padding: .55rem .8rem .7rem; font-size: .9rem; color: var(--muted); overflow-wrap: anywhere; }
figcaption b { display: block; color: var(--text); font-weight: 600; }
.facts th, .facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.facts th { width: 1%; padding-right: 1.5rem; color: var(--muted); font-weight: 500; white-space: nowrap; vertical-align: top; }
details { padding: .7rem .9rem; }
summary { cursor: pointer; font-weight: 600; }
pre { margin: .7rem 0 0; overflow-x: auto; font: .85rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
`;
