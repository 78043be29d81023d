"""$reindex: index the resources that are here again, in the background; how far that is; and ending it.

    POST [base]/$reindex?type=Patient    begins a job: 202, Content-Location [base]/$reindex?job=1
    GET  [base]/$reindex                 all jobs
    GET  [base]/$reindex?job=1           one of them
    POST [base]/$reindex?job=1&cancel=true

Source: no operation of HL7's; FHIR R4, "Asynchronous Request Patterns" (202, Content-Location).
"""

from __future__ import annotations

from typing import Any

from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import InvalidRequest, Issue, NotAllowed, NotFound
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.interactions import reindex as work
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.store import jobs
from fhir_gateway.store.jobs import Job


def reindex(gateway: Gateway, call: Call) -> Answer:
    """Begin, tell of, or end jobs; answer with Parameters that name each with its state and counts.

    Raises: NotFound for a job that is not remembered; InvalidRequest with all types and urls that are not known.
    """
    id, cancel = call.inputs.one("job"), bool(call.inputs.one("cancel"))
    types, urls = call.inputs.all("type"), call.inputs.all("url")
    _refuse_mixed(id, cancel, bool(types or urls), call.interaction.safe)
    if id is not None and cancel:
        return _answer(200, _known(work.cancel(gateway, id), id))
    if id is not None:
        with gateway.store.read(feed=False) as view:
            return _answer(200, _known(jobs.job(view, id), id))
    if call.interaction.safe:
        with gateway.store.read(feed=False) as view:
            return _answer(200, *jobs.jobs(view))
    job = work.request(gateway, _types(gateway, types, urls), urls)
    answer = _answer(202, job)
    answer.content_location = f"$reindex?job={job.id}"
    return answer


def _refuse_mixed(id: int | None, cancel: bool, named: bool, safe: bool) -> None:
    if cancel and id is None:
        raise InvalidRequest(complaints.INPUT_MISSING.at(operation="reindex", name="job", type="integer"))
    if safe and cancel:
        raise NotAllowed(complaints.NEEDS_POST.at(operation="reindex"))
    if named and (safe or id is not None):
        raise InvalidRequest(complaints.REINDEX_NAMED.at())


def _types(gateway: Gateway, types: list[str], urls: list[str]) -> list[str]:
    """Return the types that are named, and those that the search parameters of these urls apply to."""
    issues: list[Issue] = []
    found: set[str] = set()
    for type in types:
        if type in gateway.resource_types:
            found.add(type)
        else:
            issues.append(complaints.REINDEX_TYPE.at(type=type))
    parameters = gateway.definitions.search_parameters
    for url in urls:
        having = [
            type
            for type in gateway.resource_types
            if any(parameter.url == url for parameter in parameters.of(type).values())
        ]
        found.update(having)
        if not having:
            issues.append(complaints.REINDEX_URL.at(url=url))
    if issues:
        raise InvalidRequest(*issues)
    return sorted(found)


def _known(job: Job | None, id: int) -> Job:
    if job is None:
        raise NotFound(complaints.REINDEX_JOB.at(job=id))
    return job


def _answer(status: int, *told: Job) -> Answer:
    parameters = [{"name": "job", "part": _parts(job)} for job in told]
    body: dict[str, Any] = {"resourceType": "Parameters"}
    return Answer(status, encode({**body, "parameter": parameters} if parameters else body))


def _parts(job: Job) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"name": "id", "valueInteger": job.id},
        {"name": "state", "valueCode": job.state},
        {"name": "reason", "valueCode": job.detail["reason"]},
        *({"name": "url", "valueUri": url} for url in job.detail["parameters"]),
        *({"name": "type", "valueCode": type} for type in job.types if len(job.types) <= _SHOWN),
        # Resources: to be looked at, looked at, whose index rows were not as they should be, without index rows.
        {"name": "total", "valueInteger": job.total},
        {"name": "done", "valueInteger": job.done},
        {"name": "written", "valueInteger": job.written},
        {"name": "failed", "valueInteger": job.failed},
    ]
    instants = {"created": job.created, "started": job.started, "ended": job.ended}
    parts += ({"name": name, "valueInstant": instant_text(at)} for name, at in instants.items() if at)
    if job.error:
        parts.append({"name": "last-error", "valueString": job.error})
    return parts


_SHOWN = 20  # types; more are all of them as a rule
