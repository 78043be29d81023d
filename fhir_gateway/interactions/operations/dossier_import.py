"""$import-result: a platform's result file finds its dossier and becomes report, findings, tubes, steps, or nothing.

The file is read by the rules of its format, its people are found by what is held, and what is new is one transaction
through the gate that every write goes. The file itself is not kept: its SHA-256 stands in a Provenance, and large files
are announced beside it.

Source: `profiles/pfmg/input/fsh/operations.fsh`; `fhir_gateway/exchange/results.py`; FHIR R4, Provenance.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.dossier import Dossier, Person, task_code
from fhir_gateway.dossier.imports import FILE, imports
from fhir_gateway.fhir import structure
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import Conflict, InvalidRequest, NotFound, Unprocessable, operation_outcome
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.interactions import announced_files, conditions, dossier_numbers, pseudonymity
from fhir_gateway.interactions import dossier_gathering as gathering
from fhir_gateway.interactions import result_complaints as told
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer, Interaction
from fhir_gateway.interactions.operations import complaints, dossier_export
from fhir_gateway.interactions.operations.dossier_parameters import answered, identifier, part
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.interactions.read import answer_with
from fhir_gateway.store.contract import Key, Read, Write
from fhir_gateway.store.search.select import match

if TYPE_CHECKING:
    from fhir_gateway.exchange.results import Opened
    from fhir_gateway.interactions.result_merging import Known, Merged

Resource = dict[str, Any]
Pair = tuple[str, str]
RULES: Final = f"{CANONICAL_BASE}/exchange/rules"  # system of the version of what read a file
_AGENT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_WITHDRAWN: Final = frozenset({"entered-in-error", "cancelled"})
_LIMIT: Final = 50  # dossiers that names may lead to


@dataclass(frozen=True, slots=True)
class _Sent:
    """What was sent: the file, its digest in hexadecimal digits, what it is called."""

    data: bytes
    digest: str
    name: str


def import_result(gateway: Gateway, call: Call) -> Answer:
    """Import a result file and answer with what was made, and all that is to be said of it.

    Raises: InvalidRequest, Unprocessable for a file that cannot be read, or is of another dossier; NotFound where no
    dossier that the actor sees is meant; Conflict where several are; what the transaction refuses.
    """
    from fhir_gateway.exchange.results import Asked, opened  # compiled where the first file is sent

    sent = _file(call)
    announced = announced_files.given(gateway, call.inputs.all("annonce"))
    now = instant_text(gateway.registry.now())
    given = call.inputs
    asked = Asked(
        now,
        given.one("format"),
        given.one("echantillon"),
        tuple(given.all("filtre")),
        tuple(given.all("marque")),
        given.one("assemblage"),
    )
    file = opened(gateway.files.formats, sent.data, asked)
    said = _said(call)
    with gateway.store.read(gateway.limits.search_seconds) as view:
        recorded = _recorded(gateway, view, file)
        number, elsewhere = _dossier(gateway, view, call, file, {**recorded, **said})
        found = gathering.dossiers_numbered(gateway, view, [number], dossier_export.ABOUT, shown=True)
        called = announced_files.pseudonyms_of(gateway, view, found.get(number)) if announced else {}
    if number not in found:
        raise NotFound(told.DOSSIER_NOT_FOUND.at(None, named=_named(file)))
    dossier = found[number]
    merged, named = _merged(call, dossier, file, said, recorded, elsewhere)
    if merged.written:
        _add_report(call, dossier, merged, now, sent)
        _tell_reports(dossier, merged)
    called = {**called, **{pair: person.key for pair, person in named.items()}, **said}
    announced_files.add(dossier, merged, announced, called, now)
    _move_tasks(call, dossier, file, merged, now)
    _record_case(gateway, call, dossier, file, merged)
    return _carried_out(gateway, call, dossier, file, merged, sent, said, now)


# --- what was sent


def _file(call: Call) -> _Sent:
    binary: Mapping[str, Any] | None = call.inputs.one("fichier")
    if binary is None or "data" not in binary:
        raise InvalidRequest(told.NO_FILE.at("Parameters.parameter"))
    data = binascii.a2b_base64(binary["data"])
    digest = sha256(data).hexdigest()
    wanted = call.inputs.one("empreinte")
    if wanted is not None and str(wanted).strip().lower() != digest:
        raise Unprocessable(told.CHECKSUM.at("Parameters.parameter", found=digest, sent=wanted))
    return _Sent(data, digest, str(call.inputs.one("nom") or "-"))


def _said(call: Call) -> dict[Pair, str]:
    """Return whom the sender says names stand for: References with the person and what a file calls it."""
    found: dict[Pair, str] = {}
    for each in call.inputs.all("correspondance"):
        one = each.get("identifier", {})
        if "reference" in each and "value" in one:
            found[str(one.get("system", "")), str(one["value"])] = str(each["reference"])
    return found


# --- which dossier


def _recorded(gateway: Gateway, view: Read, file: Opened) -> dict[Pair, str]:
    """Return whom the table of pseudonyms knows behind the names of a file, as far as the actor sees them."""
    keys = gateway.files.keys
    if keys is None or not file.names:
        return {}
    from fhir_gateway.exchange.files import ANONYMOUS
    from fhir_gateway.store import pseudonyms

    systems = {pair: ANONYMOUS if pair[0] == "" else (pair[0],) for pair in file.names}
    asked = [(system, pair[1]) for pair, some in systems.items() for system in some]
    known = pseudonyms.named(view, keys, asked)
    there = view.current_of(map(_key, known.values())) if known else {}
    seen = {"/".join(key) for key, version in there.items() if not version.deleted}
    return {
        pair: person
        for pair, some in systems.items()
        for system in some
        if (person := known.get((system, pair[1]))) is not None and person in seen
    }


def _key(name: str) -> Key:
    kind, _, id = name.rpartition("/")
    return kind, id


def _dossier(
    gateway: Gateway, view: Read, call: Call, file: Opened, people: Mapping[Pair, str]
) -> tuple[str, frozenset[Pair]]:
    """Return the number of the dossier that is meant, and the names and cases that other dossiers have.

    The request that is asked says it; else the case number; else whom the names stand for, where that is one dossier.
    """
    cases = _cases(gateway, view, file)
    by_case = {number for numbers in cases.values() for number in numbers}
    tubes = list(_found(gateway, view, "Specimen", file.names))
    if call.interaction.id is not None:
        number = _asked(view, call)
    elif len(by_case) == 1:
        number = next(iter(by_case))
    else:
        number = _by_names(gateway, view, file, by_case, tubes, people)
    others = {pair for pair, numbers in cases.items() if number not in numbers}
    return number, _elsewhere(gateway, view, number, file, tubes) | others


def _cases(gateway: Gateway, view: Read, file: Opened) -> dict[Pair, set[str]]:
    """Return the case numbers of a file that are held, each with the numbers of the dossiers that have it."""
    found: dict[Pair, set[str]] = {}
    for request in _found(gateway, view, "ServiceRequest", file.cases):
        number = codes.token(request.get("requisition"))
        for pair in _named_by(file.cases, request) if number is not None else ():
            found.setdefault(pair, set()).add(str(number))
    return found


def _asked(view: Read, call: Call) -> str:
    id = call.interaction.id
    assert id is not None
    version = view.current("ServiceRequest", id)
    answer_with(version, "ServiceRequest", id)
    assert version is not None
    number = codes.token(decode(version.body).get("requisition"))
    if number is None:
        raise Unprocessable(complaints.NO_DOSSIER.at("ServiceRequest", id=id))
    return number


def _by_names(
    gateway: Gateway,
    view: Read,
    file: Opened,
    by_case: set[str],
    tubes: Sequence[Resource],
    people: Mapping[Pair, str],
) -> str:
    from fhir_gateway.exchange.files import ANONYMOUS

    keys: set[Key] = set(gathering.references(gateway, (each.get("subject", {}) for each in tubes)))
    # A name that says no system is a pseudonym or a library, never a hospital's number that happens to be the same.
    named = [(system, pair[1]) for pair in file.names for system in (ANONYMOUS if pair[0] == "" else (pair[0],))]
    keys |= {("Patient", str(each["id"])) for each in _found(gateway, view, "Patient", named)}
    listed = [_key(each) for each in people.values() if each.startswith("Patient/")]
    keys |= {key for key, version in view.current_of(listed).items() if not version.deleted} if listed else set()
    requests = gathering.references(gateway, (one for each in tubes for one in each.get("request", ())))
    numbers = (
        by_case or gathering.numbers_of_requests(view, requests) or gathering.numbers_of_people(gateway, view, keys)
    )
    if not numbers:
        raise NotFound(told.DOSSIER_NOT_FOUND.at(None, named=_named(file)))
    if len(numbers) > 1:
        raise Conflict(told.DOSSIERS_SEVERAL.at(None, count=len(numbers), named=_named(file)))
    return next(iter(numbers))


def _found(gateway: Gateway, view: Read, kind: str, pairs: Sequence[Pair]) -> Iterable[Resource]:
    """Return the resources of a type that have one of the identifiers, as far as the actor sees them."""
    if not pairs:
        return []
    wanted = ",".join(f"{system}|{_escaped(value)}" if system else _escaped(value) for system, value in pairs)
    query = conditions.query_of(gateway, kind, [("identifier", wanted)], view.narrowing)
    keys = match(view, query, _LIMIT * max(1, len(pairs)))
    return [decode(each.body) for each in view.current_of(keys).values() if not each.deleted]


def _elsewhere(gateway: Gateway, view: Read, number: str, file: Opened, tubes: Sequence[Resource]) -> frozenset[Pair]:
    """Return the names that Specimens and people of other dossiers have, and none of this one."""
    mine: set[Pair] = set()
    others: set[Pair] = set()
    for each in tubes:
        numbers = gathering.numbers_of_requests(view, gathering.references(gateway, each.get("request", ())))
        (mine if number in numbers or not numbers else others).update(_named_by(file.names, each))
    for each in _found(gateway, view, "Patient", _anonymous(file)):
        numbers = gathering.numbers_of_people(gateway, view, {("Patient", str(each["id"]))})
        (mine if number in numbers or not numbers else others).update(_named_by(file.names, each))
    return frozenset(others - mine)


def _named_by(pairs: Iterable[Pair], resource: Resource) -> set[Pair]:
    """Return which names a resource has among its identifiers; "" for a system that is not said."""
    held = {(str(one.get("system", "")), str(one.get("value"))) for one in resource.get("identifier", ())}
    return {pair for pair in pairs if any(pair[1] == one[1] and pair[0] in ("", one[0]) for one in held)}


def _anonymous(file: Opened) -> list[Pair]:
    """Return the names of people in files without identity; a name that says no system may be of any of them.

    Never a hospital's number: that of another hospital may be the same.
    """
    from fhir_gateway.exchange.files import ANONYMOUS

    named = ((system, pair[1]) for pair in file.names for system in (ANONYMOUS if pair[0] == "" else (pair[0],)))
    return [pair for pair in named if pair[0] in ANONYMOUS]


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|").replace("$", "\\$")


def _named(file: Opened) -> str:
    return ", ".join(value for _, value in (*file.cases, *file.names)) or "-"


# --- what comes of it


def _merged(
    call: Call,
    dossier: Dossier,
    file: Opened,
    said: Mapping[Pair, str],
    recorded: Mapping[Pair, str],
    elsewhere: frozenset[Pair],
) -> tuple[Merged, dict[Pair, Person]]:
    """Return what is to be written, and whom the names of the file stand for. Raises: Unprocessable."""
    from fhir_gateway.interactions.result_merging import Known, Merging, case_issues, people

    issues = case_issues(dossier, file, elsewhere)
    if wrong := [each for each in issues if each.severity == "error"]:
        raise Unprocessable(*wrong)
    result = file.read("somatic" if dossier.parcours == "KC" else "germline")
    issues += result.issues
    if strangers := [pair for pair, person in said.items() if dossier.person(person) is None]:
        raise Unprocessable(*(told.PERSON_ELSEWHERE.at(None, name=pair[1]) for pair in strangers))
    known: Known = Known(said, recorded, elsewhere)
    named = people(dossier, file, known, result.made, issues, call.interaction.id is not None)
    merged = Merging(dossier, file, result.made, named, _performer(call, dossier)).merge()
    merged.issues[:0] = issues
    return merged, named


def _performer(call: Call, dossier: Dossier) -> str:
    """Return whose results these are: who sends them, else the platform of the dossier; "" where nobody is known."""
    return call.actor.organisation or min(dossier.platform, default="")


def _add_report(call: Call, dossier: Dossier, merged: Merged, now: str, sent: _Sent) -> None:
    """Add the report that findings without one are of: preliminary, since nobody has signed it."""
    from fhir_gateway.interactions.result_merging import PART

    reports = [each for each in merged.entries if each["resource"]["resourceType"] == "DiagnosticReport"]
    proband = dossier.proband
    performer = _performer(call, dossier)
    if reports or not merged.results or proband is None or not performer:
        return
    tubes = merged.specimens or [each.key for each in dossier.specimens(proband.key)]
    made: Resource = {
        "resourceType": "DiagnosticReport",
        "identifier": [{"system": PART, "value": sha256(f"{dossier.number} {sent.digest}".encode()).hexdigest()}],
        "basedOn": [{"reference": each.request.key} for each in dossier.people],
        "status": "preliminary",
        "category": [codes.concept("http://terminology.hl7.org/CodeSystem/v2-0074", "GE")],
        "code": codes.concept(codes.LOINC, "51969-4"),
        "subject": {"reference": proband.key},
        "effectiveDateTime": now,
        "performer": [{"type": "Organization", "identifier": codes.identifier(performer)}],
        "result": [{"reference": each} for each in merged.results],
    }
    if tubes:
        made |= {"meta": {"profile": [f"{codes.PROFILE}diagnostic-report"]}}
        made["specimen"] = [{"reference": each} for each in dict.fromkeys(tubes)]
    else:
        merged.issues.append(told.NO_SPECIMEN.at(None, person_en=proband.english, person_fr=proband.french))
    merged.issues.append(told.NO_REPORT.at("DiagnosticReport.status"))
    _add(merged, f"urn:uuid:{_uuid(sent.digest, 'report')}", made)


def _tell_reports(dossier: Dossier, merged: Merged) -> None:
    """Tell of reports that are held beside the one that is made: which of them holds, a person says."""
    if any(each["resource"]["resourceType"] == "DiagnosticReport" for each in merged.entries):
        held = (each.key for each in dossier.reports() if each.resource.get("status") not in _WITHDRAWN)
        merged.issues += (told.REPORT_HELD.at("DiagnosticReport", report=each) for each in held)


def _add(merged: Merged, url: str, made: Resource) -> None:
    one = made["identifier"][0]
    request = {
        "method": "POST",
        "url": made["resourceType"],
        "ifNoneExist": f"identifier={one['system']}|{_escaped(one['value'])}",
    }
    merged.entries.append({"fullUrl": url, "resource": made, "request": request})
    merged.written.append(url)


def _uuid(*parts: str) -> str:
    digits = sha256(" ".join(parts).encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


def _move_tasks(call: Call, dossier: Dossier, file: Opened, merged: Merged, now: str) -> None:
    """Complete the Tasks in progress that the file tells to be done; of others say where they stand."""
    if not merged.entries:
        return
    reports = [each["fullUrl"] for each in merged.entries if each["resource"]["resourceType"] == "DiagnosticReport"]
    steps = dict.fromkeys([*((code, "") for code in file.steps), *merged.steps])
    tasks = {
        task.key: task
        for code, person in steps
        for task in dossier.tasks(code)
        if person in ("", dossier.key(task.resource.get("for")))
    }
    for task in tasks.values():
        resource, code = task.resource, str(task_code(task.resource))
        status = resource.get("status")
        if status in ("completed", "cancelled", "failed", "rejected"):
            continue
        if status != "in-progress" or call.actor.organisation not in dossier.organisations(resource.get("owner")):
            merged.issues.append(told.STEP_STANDS.at("Task.status", code=code, task=resource["id"], status=status))
            continue
        period = {**resource.get("executionPeriod", {}), "end": now}
        output = [{"type": codes.concept(codes.TACHE, code), "valueReference": {"reference": each}} for each in reports]
        moved = {**resource, "status": "completed", "executionPeriod": period, "lastModified": now}
        if output:
            moved["output"] = [*resource.get("output", ()), *output]
        match_ = f'W/"{resource["meta"]["versionId"]}"'
        request = {"method": "PUT", "url": task.key, "ifMatch": match_}
        merged.entries.append({"fullUrl": f"{call.interaction.base}/{task.key}", "resource": moved, "request": request})


def _record_case(gateway: Gateway, call: Call, dossier: Dossier, file: Opened, merged: Merged) -> None:
    """Have the platform's number of the case written on the proband's request; where it is not, say so."""
    from fhir_gateway.exchange.auragen.people import CASE
    from fhir_gateway.exchange.seqoia import keys
    from fhir_gateway.interactions.result_merging import new_cases

    new, proband = new_cases(dossier, file), dossier.proband
    own = next((pair for pair in new if pair[0] in (CASE, keys.CASE)), None)
    if own is not None and proband is not None and _may_number(gateway, proband.request.resource):
        resource = proband.request.resource
        given = {"type": dossier_numbers.FILLER, "system": own[0], "value": own[1]}
        changed = {**resource, "identifier": [*resource.get("identifier", ()), given]}
        request = {"method": "PUT", "url": proband.request.key, "ifMatch": f'W/"{resource["meta"]["versionId"]}"'}
        url = f"{call.interaction.base}/{proband.request.key}"
        merged.entries.append({"fullUrl": url, "resource": changed, "request": request})
        merged.written.append(proband.request.key)
        merged.issues.append(told.CASE_RECORDED.at(file.pointer(own[1]), sent=own[1]))
        new.remove(own)
    merged.issues += (told.CASE_NOT_HELD.at(file.pointer(value), sent=value) for _, value in new)


def _may_number(gateway: Gateway, request: Mapping[str, Any]) -> bool:
    """Tell whether the actor may write the platform's number on a request, which has none yet."""
    if any(dossier_numbers.fillers(request)):
        return False
    access = gateway.access
    if access is None:
        return True
    right = access.right("update", "ServiceRequest")
    may = right is not None and (right.fields is None or "identifier" in right.fields)
    return may and not access.lacking_on("update", "ServiceRequest")


def _trace(call: Call, dossier: Dossier, file: Opened, merged: Merged, sent: _Sent, now: str) -> Resource:
    """Return the Provenance of an import: what it made, of which file, by which version of which rules, for whom."""
    asker = call.actor.organisation
    who = codes.identifier(asker) if asker else {"value": call.actor.subject or "anonyme"}
    mapping = {"identifier": {"system": RULES, "value": file.rules}, "display": file.format}
    source = {"identifier": {"system": FILE, "value": sent.digest}, "display": sent.name}
    entities: list[Resource] = [{"role": "source", "what": source}]
    entities += [{"role": "source", "what": {"reference": each.key}} for each in dossier.requests]
    # What says nothing new was imported all the same: its trace is of the requests it was laid beside.
    targets = merged.written or [each.key for each in dossier.requests]
    return {
        "resourceType": "Provenance",
        "target": [{"reference": each} for each in targets],
        "recorded": now,
        "activity": {"text": "import-result"},
        "agent": [
            {"type": codes.concept(_AGENT, "author"), "who": {"type": "Organization", "identifier": who}},
            {"type": codes.concept(_AGENT, "assembler"), "who": mapping},
        ],
        "entity": entities,
    }


def _carried_out(
    gateway: Gateway,
    call: Call,
    dossier: Dossier,
    file: Opened,
    merged: Merged,
    sent: _Sent,
    said: Mapping[Pair, str],
    now: str,
) -> Answer:
    from fhir_gateway.interactions.transaction import transact  # it asks for operations itself

    places: list[str] = []
    keep = _keeping(gateway, said)
    is_new = bool(merged.entries)
    if merged.written or all(each.digest != sent.digest for each in imports(dossier)):
        trace = _trace(call, dossier, file, merged, sent, now)
        merged.entries.append({"resource": trace, "request": {"method": "POST", "url": "Provenance"}})
    if merged.entries:
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": merged.entries}
        checked = structure.check(bundle, gateway.definitions.types)
        if checked.issues:
            raise Unprocessable(*checked.issues)
        act = Interaction(
            "transaction",
            resource=bundle,
            links=checked.links,
            base=call.interaction.base,
            language=call.interaction.language,
        )
        response = decode(transact(gateway, act, call.actor, keep).body or b"")
        places = [each["response"].get("location", "").partition("/_history")[0] for each in response["entry"]]
    done = told.IMPORTED.at(count=sum(map(bool, places))) if is_new else told.NOTHING_NEW.at()
    merged.issues.append(done)
    outcome = operation_outcome(merged.issues, call.interaction.language)
    proband = dossier.proband
    return answered(
        [
            *part("dossier", "Identifier", identifier(dossier.number)),
            *part("prescription", "Reference", None if proband is None else {"reference": proband.request.key}),
            *part("format", "Code", file.format),
            *part("empreinte", "String", sent.digest),
            *(each for place in places if place for each in part("ressource", "Reference", {"reference": place})),
            {"name": "outcome", "resource": outcome},
        ]
    )


def _keeping(gateway: Gateway, said: Mapping[Pair, str]) -> Any:
    """Return what records, in the transaction, whom names stand for as the sender says; None where nothing is said."""
    if not said:
        return None
    keys = gateway.files.keys
    if keys is None:
        raise Unprocessable(pseudonymity.NO_KEYS.at(format="correspondance"))
    from fhir_gateway.store import pseudonyms

    held = [pseudonyms.Pseudonym(system, value, person) for (system, value), person in said.items()]

    def keep(tx: Write) -> None:
        pseudonyms.record(tx, keys, held)

    return keep
