"""How the html page looks."""

# Light and dark as the reader has it. What is hidden on the screen is not printed either, but a folded text is printed whole.
STYLE = """\
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; --critical: #b0003a; --high: #c62828; --medium: #b26a00;
  --low: #00728a; --info: #5a6a78; --clean: #2e7d32; --blind: #7b3fa0; --line: #8884; --soft: #8881; }
@media (prefers-color-scheme: dark) { :root { --critical: #ff5c8a; --high: #ff7b72; --medium: #f0b050; --low: #56c8e0;
  --info: #9aabb8; --clean: #6fcf75; --blind: #cf9bf0; } }
body { max-width: 80rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3 { line-height: 1.25; }
h3 { margin: 1em 0 0.2em; font-size: 1em; }
p, ul { margin: 0.3em 0; overflow-wrap: anywhere; }
section { margin: 1.5rem 0; padding: 0.2rem 1rem 1rem; border: 1px solid var(--line); border-left: 4px solid var(--line);
  border-radius: 4px; }
dl { display: flex; flex-wrap: wrap; gap: 0.3rem 2rem; }
dt { font-size: 0.8em; opacity: 0.7; }
dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: 0.7em 0; }
table { border-collapse: collapse; font-size: 0.9em; }
th, td { padding: 0.25em 0.7em; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { white-space: nowrap; }
td { min-width: 4em; max-width: 32em; white-space: pre-wrap; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.number { text-align: right; }
.null { opacity: 0.5; font-style: italic; }
.small { font-size: 0.85em; opacity: 0.8; }
.caution { color: var(--blind); font-weight: 600; }
.suppressed { opacity: 0.6; background: var(--soft); }
.verdict, .severity { font-size: 0.85em; font-weight: 600; white-space: nowrap; }
h2 .verdict, h2 .severity { padding: 0.1em 0.6em; border: 1px solid; border-radius: 1em; font-size: 0.6em;
  vertical-align: middle; }
.critical { --grade: var(--critical); }
.high { --grade: var(--high); }
.medium { --grade: var(--medium); }
.low { --grade: var(--low); }
.info { --grade: var(--info); }
.severity { color: var(--grade); }
.found .verdict, .failed .verdict, .timed-out .verdict { color: var(--high); }
.degraded .verdict { color: var(--blind); }
.clean .verdict { color: var(--clean); }
section.found { border-left-color: var(--grade); }
section.failed, section.timed-out { border-left-color: var(--high); }
section.degraded { border-left-color: var(--blind); }
section.clean { border-left-color: var(--clean); }
label { margin-right: 1em; white-space: nowrap; }
body:has(#show-clean:not(:checked)) .clean, body:has(#show-skipped:not(:checked)) .skipped,
body:has(#show-suppressed:not(:checked)) .suppressed { display: none; }
@media print {
  body { max-width: none; padding: 0; }
  .show { display: none; }
  .wide { overflow: visible; }
  tr, h2, h3 { break-inside: avoid; break-after: auto; }
  details::details-content { content-visibility: visible; }
}
"""
