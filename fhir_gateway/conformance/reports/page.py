"""Verdicts as one HTML page that needs nothing else: no script, no network.

Source: HTML Living Standard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from fhir_gateway.conformance.reports.forms import WORDS, summary, uri_of
from fhir_gateway.conformance.reports.judging import STANDARD_INPUT_SHOWN, Message, Verdict
from fhir_gateway.fhir.outcome import Language

_TITLE: Mapping[Language, str] = {"en": "Validation of FHIR resources", "fr": "Validation de ressources FHIR"}
_NONE: Mapping[Language, str] = {"en": "no issues", "fr": "aucun problème"}
_SOUND: Mapping[Language, str] = {"en": "Without a problem", "fr": "Sans problème"}
_HEADS: Mapping[Language, tuple[str, str, str]] = {
    "en": ("line", "severity", "what, where and why"),
    "fr": ("ligne", "gravité", "quoi, où et pourquoi"),
}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1c2024; }
details { border: 1px solid #d8dde3; border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; font-weight: 600; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th { text-align: left; font-weight: 400; color: #5b6570; font-size: 13px; padding: .2rem .5rem; }
td { border-top: 1px solid #e8ebef; padding: .3rem .5rem; vertical-align: top; overflow-wrap: anywhere; }
td:first-child { white-space: nowrap; color: #5b6570; }
td:nth-child(2) { white-space: nowrap; }
code, samp { font: 13px/1.5 ui-monospace, monospace; } small { color: #5b6570; }
mark { background: #fdf1d6; color: inherit; }
.fatal, .error { color: #b3261e; } .warning { color: #8a5a00; } .information { color: #345; }
@media (prefers-color-scheme: dark) {
  body { background: #15181b; color: #e4e7ea; } details { border-color: #3a4148; } td { border-color: #2b3137; }
  small, th, td:first-child { color: #9aa6b2; } mark { background: #4a3b12; } a { color: #8ab4f8; }
  .fatal, .error { color: #ff8a80; } .warning { color: #ffcf70; } .information { color: #a9c4de; }
}
"""


def html(verdicts: Sequence[Verdict], language: Language) -> str:
    """Return the page: the summary, then the files with issues, open where there are errors, then the others."""
    title = escape(_TITLE[language])
    told = [each for each in verdicts if not each.is_other]
    issues = [each for each in told if each.messages or each.unreadable is not None]
    files = "\n".join(_file(each, language) for each in issues)
    sound = "\n".join(f"<li>{_link(each)}</li>" for each in told if each not in issues)
    rest = f"<h2>{escape(_SOUND[language])}</h2>\n<ul>\n{sound}\n</ul>" if sound else ""
    return f"""<!DOCTYPE html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>{_STYLE}</style></head>
<body>
<h1>{title}</h1>
<p>{escape(summary(verdicts, language))}</p>
{files}
{rest}
</body>
</html>
"""


def _link(verdict: Verdict, line: int | None = None, text: str | None = None) -> str:
    shown = escape(text or verdict.file)
    if verdict.file == STANDARD_INPUT_SHOWN:
        return shown
    # Where sources are shown with line numbers, such as a forge, this leads to the line; elsewhere to the file.
    place = f"#L{line}" if line is not None else ""
    return f'<a href="{escape(uri_of(verdict.file))}{place}">{shown}</a>'


def _file(verdict: Verdict, language: Language) -> str:
    name = escape(verdict.file)
    if verdict.unreadable is not None:
        return f'<details open><summary class="fatal">{name}</summary><p>{escape(verdict.unreadable)}</p></details>'
    worst = "error" if verdict.errors else "warning" if verdict.warnings else "information"
    opened = " open" if verdict.errors else ""
    heads = "".join(f'<th scope="col">{escape(each)}</th>' for each in _HEADS[language])
    rows = "\n".join(_row(verdict, each, language) for each in verdict.messages)
    return (
        f'<details{opened}><summary class="{worst}">{name} ({len(verdict.messages)})</summary>\n'
        f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</details>"
    )


def _row(verdict: Verdict, message: Message, language: Language) -> str:
    place = "" if message.line is None else _link(verdict, message.line, f"{message.line}:{message.column}")
    what = [f"{escape(message.text)} <small>{escape(message.code)}</small>"]
    if message.expression:
        what.append(f"<code>{escape(message.expression)}</code>")
    what += [f"<small>– {escape(each)}</small>" for each in message.why]
    if message.excerpt is not None:
        before, there = map(escape, message.excerpt)
        what.append(f"<samp>{before}<mark>{there}</mark></samp>")
    if message.profile:
        what.append(f"<small>{escape(message.profile)}</small>")
    word = escape(WORDS[language][message.severity])
    return f'<tr><td>{place}</td><td class="{message.severity}">{word}</td><td>{"<br>".join(what)}</td></tr>'
