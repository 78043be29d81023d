"""Whether the display that a code comes with is one of those it may have.

Source: FHIR R4, Coding.display; ValueSet, "$validate-code" (display); HL7, FHIR Terminology Ecosystem, "Multi-Language
Support".
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir_gateway.fhir.outcome import Issue, Severity
from fhir_gateway.terminology import messages
from fhir_gateway.terminology.designations import Designation, called, preferred, presented, shown
from fhir_gateway.terminology.messages import as_severe
from fhir_gateway.terminology.wishes import Wishes


def display_issue(
    named: Sequence[Designation], sent: str, system: str, code: str, wishes: Wishes
) -> tuple[Issue, bool] | None:
    """Return what is wrong with a display, at "display", and whether the message is to say it; None when nothing is."""
    wanted = wishes.wanted
    match, is_active = called(named, sent, wanted)
    values = {"sent": sent, "system": system, "code": code, "languages": wishes.named_languages}
    if match == "same":
        return None if is_active else (_inactive(named, sent, code), False)
    severity: Severity = "warning" if wishes.lenient_displays else "error"
    known = shown(named, wanted)
    if not known:
        known = shown(named, wanted, displays=False)
        severity = "warning"
    if known:
        one, several = (
            (messages.DISPLAY_SPACES, messages.DISPLAY_SPACES_NONE_OF)
            if match == "spaces"
            else (messages.DISPLAY_WRONG, messages.DISPLAY_NONE_OF)
        )
        said = one if len(known) == 1 else several
        issue = as_severe(said, severity).at("display", **values, known=presented(named, wanted), count=len(known))
        return issue, True
    default = preferred(named, None)
    if default is None:
        return messages.DISPLAY_UNKNOWN.at("display", **values), True
    if default.value == sent:
        return messages.NO_DISPLAY_IN_LANGUAGE.at("display", **values), True
    said = messages.WRONG_AND_NONE_IN_LANGUAGE
    if wishes.lenient_displays:
        said = as_severe(said, "warning")
    return said.at("display", **values, known=default.value), True


def _inactive(named: Sequence[Designation], sent: str, code: str) -> Issue:
    known = ",".join(f'"{each.value}"' for each in named if each.is_active and each.is_display)
    return messages.DISPLAY_INACTIVE.at("display", sent=sent, code=code, known=known)
