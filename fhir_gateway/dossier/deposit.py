"""The deposit with the national collector, as its Tasks tell it: asked for, laid down, acknowledged; and again for what
was issued since.

A deposit is of one version of a report. Where that is amended afterwards, or another one is issued, what the collector
has is no longer true: the server asks for another deposit. A report that is withdrawn asks for none: the collector's
message knows no withdrawal.

Source: reference: CAD, ACK; FHIR R4, DiagnosticReport, "issued" and "status"; Task, "executionPeriod".
"""

from __future__ import annotations

from typing import Final

from fhir_gateway.dossier.codes import Resource
from fhir_gateway.dossier.dossier import Dossier, Held
from fhir_gateway.dossier.guards import FINAL
from fhir_gateway.fhir.primitives import interval_of

CODE: Final = "depot-cad"
CONTROL: Final = "MSH-10"  # of the message that was laid down, as an output of the Task
LOST: Final = frozenset({"failed", "cancelled", "rejected"})
_AMENDED: Final = frozenset({"amended", "corrected", "appended"})


def standing(dossier: Dossier) -> tuple[Held, ...]:
    """Return the Tasks of the deposit that are not lost and not waiting for their turn."""
    return tuple(each for each in dossier.tasks(CODE) if each.resource.get("status") not in LOST | {"draft"})


def report_of(dossier: Dossier) -> Resource | None:
    """Return the report that is deposited: valid, the one issued last; None where there is none."""
    valid = [each.resource for each in dossier.reports() if each.resource.get("status") in FINAL]
    return max(valid, key=lambda each: str(each.get("issued", "")), default=None)


def version_of(report: Resource) -> str:
    """Return what a version of a report is called in a message: MSH-10, but for what tells tries apart."""
    return f"{report.get('id', '')}-{report.get('meta', {}).get('versionId', '')}"


def control(task: Resource) -> str | None:
    """Return the MSH-10 of the deposit that a Task has made last."""
    told = [each["valueString"] for each in task.get("output", ()) if each.get("type", {}).get("text") == CONTROL]
    return told[-1] if told else None


def laid_down(task: Resource) -> str | None:
    """Return when a deposit was laid down, as its Task says it; None: not yet."""
    if task.get("status") not in ("in-progress", "completed"):
        return None
    period = task.get("executionPeriod", {})
    return period.get("start") or period.get("end") or task.get("lastModified")


def asked_for(dossier: Dossier, task: Resource) -> str | None:
    """Return when a deposit was asked for: when what it waited for was done; of one that is made again, when its Task
    was made.
    """
    if "reasonReference" in task:
        return task.get("authoredOn")
    done = (each.resource for each in dossier.tasks("restitution") if each.resource.get("status") == "completed")
    dates = [each.get("executionPeriod", {}).get("end") or each.get("lastModified") for each in done]
    told = (str(each) for each in dates if each is not None)
    return max(told, key=lambda each: interval_of(each).low, default=task.get("authoredOn"))


def outdated(dossier: Dossier) -> Held | None:
    """Return the report that was issued, or amended, after the last deposit; None where the collector has it.

    Which version was deposited is told by MSH-10; where a laboratory does not tell it, the dates do.
    """
    done = standing(dossier)
    report = report_of(dossier)
    if report is None or not done or any(each.resource.get("status") != "completed" for each in done):
        return None
    told = {own.partition("_")[0] for each in done if (own := control(each.resource)) is not None}
    last = max((each.resource for each in done), key=lambda each: interval_of(str(laid_down(each))).low)
    if version_of(report) in told:
        return None
    if control(last) is not None:
        same = any(each.rpartition("-")[0] == report.get("id") for each in told)
        is_new = not same or report.get("status") in _AMENDED
    else:
        # A date of issue may lie ahead of the clock: what was stored before the deposit is in it.
        dates = (report.get("issued"), report.get("meta", {}).get("lastUpdated"))
        known = [interval_of(str(each)).low for each in dates if each is not None]
        is_new = bool(known) and min(known) > interval_of(str(laid_down(last))).low
    if not is_new:
        return None
    return next((each for each in dossier.reports() if each.resource is report), None)
