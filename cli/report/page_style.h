// The style of a report page. Light and dark by the reader's setting; ink on white in print. The
// eight series colours are those of M. Okabe and K. Ito ("Color universal design", 2008), yellow
// and black replaced by an olive and a grey that hold on both grounds.
#pragma once

#include <string_view>

namespace shoal::report {

inline constexpr std::string_view kPageStyle = R"css(
:root {
  --ground: #ffffff; --ink: #1c2126; --soft: #5c6670; --line: #d9dee3; --faint: #f4f6f8; --mark: #fff3d6;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b8568f; --c4: #b87a00; --c5: #3a9ad9; --c6: #7a7a00; --c7: #6b7680;
  --good: #00734f; --bad: #b23b00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14181c; --ink: #e4e8ec; --soft: #98a3ad; --line: #323a42; --faint: #1c2227; --mark: #3a3115;
    --c0: #4aa8e0; --c1: #f0803c; --c2: #2fc79a; --c3: #dd8fbf; --c4: #e8a93a; --c5: #86c8f2; --c6: #c2bd3c; --c7: #a3aeb8;
    --good: #4fd0a5; --bad: #ff9a66;
  }
}
* { box-sizing: border-box; }
html { background: var(--ground); color: var(--ink); }
body {
  max-width: 1080px; margin: 0 auto; padding: 40px 24px 80px;
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", Roboto, "DejaVu Sans", sans-serif;
}
h1 { font-size: 28px; line-height: 1.2; font-weight: 650; margin: 0 0 4px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 18px; font-weight: 650; margin: 48px 0 12px; padding-top: 16px; border-top: 1px solid var(--line); }
h3 { font-size: 15px; font-weight: 600; margin: 24px 0 6px; }
p { margin: 6px 0; max-width: 76ch; }
.lead, .notes, footer { color: var(--soft); }
.notes { font-size: 13.5px; padding-left: 18px; margin: 10px 0; max-width: 90ch; }
p.notes { padding-left: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 8px 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: baseline; padding: 5px 18px 5px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-size: 12.5px; font-weight: 600; color: var(--soft); border-bottom-color: var(--soft); }
th.n, td.n { text-align: right; }
td.wrap { white-space: normal; min-width: 24ch; overflow-wrap: anywhere; }
td.best { color: var(--good); font-weight: 600; }
td.failed { color: var(--bad); }
tr.differs td { background: var(--mark); }
code, .digest { font: 12.5px/1.5 ui-monospace, "SF Mono", "DejaVu Sans Mono", Menlo, monospace; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 16px 28px; }
figure { margin: 12px 0; break-inside: avoid; }
figure.wide { grid-column: 1 / -1; }
figcaption { font-weight: 600; margin-bottom: 2px; }
figcaption small { font-weight: 400; color: var(--soft); }
svg { display: block; width: 100%; height: auto; }
svg text { font: 11.5px system-ui, "DejaVu Sans", sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); stroke-width: 1; }
.axis { stroke: var(--soft); stroke-width: 1; }
.line { fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
.dashed .line { stroke-dasharray: 5 3; }
.band { fill: currentColor; opacity: 0.16; stroke: none; }
svg circle { fill: currentColor; }
svg text.lost { fill: currentColor; font-size: 15px; font-weight: 700; }
.hover rect { fill: var(--ink); opacity: 0; }
.hover rect:hover { opacity: 0.07; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 13px; max-width: none; margin: 2px 0 10px 0; }
.legend svg { display: inline-block; width: 22px; height: 8px; vertical-align: middle; }
.c0 { color: var(--c0); } .c1 { color: var(--c1); } .c2 { color: var(--c2); } .c3 { color: var(--c3); }
.c4 { color: var(--c4); } .c5 { color: var(--c5); } .c6 { color: var(--c6); } .c7 { color: var(--c7); }
.spec { columns: 2 400px; column-gap: 40px; }
.spec section { break-inside: avoid; padding-bottom: 20px; }
.spec h3 { margin: 0; }
.spec table { width: 100%; margin: 2px 0 0; }
.spec td:first-child { width: 11.5em; color: var(--soft); overflow-wrap: normal; }
.spec td { white-space: normal; overflow-wrap: anywhere; padding: 3px 8px 3px 4px; font-size: 13.5px; }
.answers dt { font-weight: 600; margin-top: 14px; white-space: pre-wrap; overflow-wrap: anywhere; }
.answers dd { margin: 4px 0 4px 0; padding-left: 12px; border-left: 3px solid var(--line); white-space: pre-wrap; overflow-wrap: anywhere; }
.answers dd small { display: block; color: var(--soft); }
summary { cursor: pointer; color: var(--soft); }
footer { margin-top: 56px; padding-top: 12px; border-top: 1px solid var(--line); font-size: 13px; }
@media print {
  :root { --ground: #ffffff; --ink: #000000; --soft: #444444; --line: #bbbbbb; --mark: #f2eddc; }
  body { max-width: none; padding: 0; font-size: 11pt; }
  h2 { break-after: avoid; }
  .hover { display: none; }
  .scroll { overflow: visible; }
}
)css";

}  // namespace shoal::report
