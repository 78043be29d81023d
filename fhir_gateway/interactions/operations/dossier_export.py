"""$dossier: a dossier, or a page of a worklist, as files of a platform's format.

Of a page each dossier comes once: the search is judged on the probands' requests. What the actor does not see is not in
a file. What a file lacks or loses is told beside it: a part `outcome`; in NDJSON a line that is an OperationOutcome; in
a zip `outcome.ndjson`; an OperationOutcome's id is that of the request it is about.

Source: `profiles/pfmg/input/fsh/operations.fsh`; FHIR R4, Search; `fhir_gateway/exchange/files.py`.
"""

from __future__ import annotations

import io
import re
import zipfile
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.dossier import Dossier
from fhir_gateway.dossier.membership import is_member
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.outcome import InvalidRequest, Issue, NotAcceptable, TooCostly, Unprocessable, operation_outcome
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.interactions import dossier_gathering as gathering
from fhir_gateway.interactions import full_text, pseudonymity
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations import complaints, dossier_file_complaints
from fhir_gateway.interactions.operations.dossier_parameters import answered, group, identifier, part
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.interactions.read import answer_with
from fhir_gateway.interactions.search import url_of
from fhir_gateway.store.contract import Version
from fhir_gateway.store.search.paging import links, resume
from fhir_gateway.store.search.query import parse
from fhir_gateway.store.search.select import find

if TYPE_CHECKING:
    from fhir_gateway.exchange.files import File, FileFormat, Wish

Resource = dict[str, Any]

NDJSON: Final = "application/x-ndjson"
ZIP: Final = "application/zip"
# What a format may say of people and requests, besides what the rules of a dossier read.
ABOUT: Final = gathering.ABOUT | {"Procedure", "Condition"}
TOGETHER: Final = 40  # dossiers gathered at once: what a page holds of memory is these, and the files
MOST_BYTES: Final = 64 * 1024 * 1024  # of the files of one page
# One file for each dossier: its proband stands for it, as in $a-completer.
_PROBAND: Final = ("category", f"{codes.ROLE}|proband")
_NOT_HERE: Final = frozenset({"_include", "_revinclude", "_summary", "_elements", "_contained", "_containedType"})
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class _Made:
    """The file of one dossier, and the request that stands for it."""

    id: str
    number: str
    file: File
    name: str

    def outcome(self, call: Call) -> Resource:
        issues = self.file.issues or (dossier_file_complaints.NOTHING_LOST.at(),)
        return {**operation_outcome(issues, call.interaction.language), "id": self.id}


def export(gateway: Gateway, call: Call) -> Answer:
    """Answer with the files: a Parameters resource, NDJSON or a zip, as `Interaction.container` says.

    Raises: NotFound, Gone for a request that the actor does not see; InvalidRequest for an unknown format or search;
    NotAcceptable for NDJSON of what is no JSON; Unprocessable where the one dossier asked for cannot be written, or the
    format needs pseudonyms and there is no key; TooCostly beyond `MOST_BYTES`.
    """
    format = _format(call)
    if call.interaction.container == "ndjson" and not format.is_json:
        raise NotAcceptable(dossier_file_complaints.NOT_LINES.at(format=format.name))
    if call.interaction.id is not None:
        numbers, shown, following = *_one(gateway, call), None
        made = list(_files(gateway, call, format, numbers, shown))
        if not made:
            raise Unprocessable(complaints.NO_DOSSIER.at("ServiceRequest", id=call.interaction.id))
        if made[0].file.data is None:
            # What would be lost is no reason; what only warns may tell why.
            raise Unprocessable(*(each for each in made[0].file.issues if each.severity != "information"))
        unknown: Sequence[Issue] = ()
    else:
        numbers, shown, following, unknown = _page(gateway, call, format)
        made = list(_files(gateway, call, format, numbers, shown))
    write = {"ndjson": _lines, "zip": _zipped}.get(call.interaction.container or "", _parameters)
    answer = write(call, format, made, following, unknown)
    answer.shown, answer.next = shown, following
    return answer


def _format(call: Call) -> FileFormat:
    from fhir_gateway.exchange.files import ALIASES, FORMATS  # compiled where the first file is asked for

    given = str(call.inputs.one("format"))
    name = ALIASES.get(given, given)
    if name not in FORMATS:
        known = ", ".join((*FORMATS, *ALIASES))
        raise InvalidRequest(dossier_file_complaints.FORMAT_UNKNOWN.at(format=given, known=known))
    return FORMATS[name]


# --- which dossiers


def _one(gateway: Gateway, call: Call) -> tuple[dict[str, str], list[int]]:
    """Return the number of the dossier of the request asked about, with the id of that, and what is shown."""
    act = call.interaction
    assert act.id is not None
    if unknown := [name for name, _ in act.parameters if name != "format"]:
        known = {"operation": "dossier", "known": "format"}
        raise InvalidRequest(*(complaints.INPUT_UNKNOWN.at(name=name, **known) for name in unknown))
    with gateway.store.read(gateway.limits.search_seconds) as view:
        version = view.current("ServiceRequest", act.id)
        answer_with(version, "ServiceRequest", act.id)
    assert version is not None
    request = decode(version.body)
    number = codes.token(request.get("requisition"))
    if number is None or not is_member(request):
        raise Unprocessable(complaints.NO_DOSSIER.at("ServiceRequest", id=act.id))
    return {number: act.id}, [version.rid]


def _page(
    gateway: Gateway, call: Call, format: FileFormat
) -> tuple[dict[str, str], list[int], str | None, tuple[Issue, ...]]:
    """Return the numbers of a page's dossiers with their requests' ids, what is shown, the next page, and parameters
    that were passed over."""
    act = call.interaction
    if refused := [name for name, _ in act.parameters if name.partition(":")[0] in _NOT_HERE]:
        raise InvalidRequest(*(dossier_file_complaints.NOT_OF_FILES.at(name=name) for name in refused))
    criteria = [*((name, value) for name, value in act.parameters if name != "format"), _PROBAND]
    strict = act.prefer.handling != "lenient"
    full_text.be_current(gateway, criteria)
    is_feed = any("_lastUpdated" in name or "_lastUpdated" in value for name, value in criteria)
    with gateway.store.read(gateway.limits.search_seconds, is_feed) as view:
        asked = parse("ServiceRequest", criteria, gateway.registry, strict=strict, narrowing=view.narrowing)
        query = resume(asked, gateway.signing_key)
        page = find(view, query)
    following = None
    if (again := links(query, page, gateway.signing_key).get("next")) is not None:
        # Where the search says so itself, once is left.
        place = len(again) - 1 - again[::-1].index(_PROBAND)
        given = [*again[:place], *again[place + 1 :]]
        url = f"{act.base}/ServiceRequest/$dossier"
        following = url_of(url, [("format", format.name), *given, *act.presentation])
    return _numbers(page.matches), [each.rid for each in page.matches], following, tuple(query.unknown)


def _numbers(probands: Sequence[Version]) -> dict[str, str]:
    found: dict[str, str] = {}
    for version in probands:
        request = decode(version.body)
        number = codes.token(request.get("requisition"))
        if number is not None and is_member(request):
            found.setdefault(number, version.id)
    return found


# --- their files


def _files(
    gateway: Gateway, call: Call, format: FileFormat, numbers: dict[str, str], shown: list[int]
) -> Iterator[_Made]:
    """Yield the files of dossiers, and append the people whom they tell of to what is shown."""
    from fhir_gateway.exchange.files import Wish

    by = f"fhir-gateway {gateway.software_version}".strip()
    wish = Wish(instant_text(gateway.registry.now()), by, asker=call.actor.organisation or "")
    waiting, size = list(numbers), 0
    for start in range(0, len(waiting), TOGETHER):
        some = waiting[start : start + TOGETHER]
        with gateway.store.read(gateway.limits.search_seconds) as view:
            found = gathering.dossiers_numbered(gateway, view, some, ABOUT, shown=True)
            people = {
                ("Patient", str(each.resource["id"])) for one in found.values() for each in one.of_type("Patient")
            }
            shown += (each.rid for each in view.current_of(people).values())
        wish = replace(wish, called=pseudonymity.called(gateway, {"/".join(each) for each in people}, format))
        # In the order of the page; a dossier that went meanwhile is told of by the next search.
        for number in (each for each in some if each in found):
            file = _file(gateway, format, found.pop(number), wish)
            size += len(file.data or b"")
            if size > MOST_BYTES:
                raise TooCostly(dossier_file_complaints.PAGE_TOO_LARGE.at(most=MOST_BYTES // 1024 // 1024))
            name = _UNFIT.sub("_", number.rpartition("|")[2])
            yield _Made(numbers[number], number, file, f"{name}.{file.suffix or format.suffix}")


def _file(gateway: Gateway, format: FileFormat, dossier: Dossier, wish: Wish) -> File:
    return gateway.files.formats.write(format.name, belonging(dossier), wish)


def belonging(dossier: Dossier) -> list[codes.Resource]:
    """Return the resources of a dossier without those of other dossiers of the same people."""
    mine = {held.key for held in dossier.requests}
    kept = {
        "Specimen": {held.key for held in dossier.specimens()},
        "DiagnosticReport": {held.key for held in dossier.reports()},
        "Consent": {held.key for held in dossier.consents()},
        "Task": {held.key for held in dossier.tasks()},
        "ServiceRequest": mine,
    }
    found = []
    for held in dossier.resources:
        if held.type in kept and held.key not in kept[held.type]:
            continue
        based = held.resource.get("basedOn", ())
        if held.type in ("Observation", "Procedure") and based and not any(dossier.key(each) in mine for each in based):
            continue
        specimen = dossier.resolve(held.resource.get("specimen")) if held.type == "Observation" else None
        if specimen is not None and specimen.key not in kept["Specimen"]:
            continue
        found.append(held.resource)
    return found


# --- the answer


def _parameters(
    call: Call, format: FileFormat, made: Sequence[_Made], following: str | None, unknown: Sequence[Issue]
) -> Answer:
    parameters = [_told(call, format, each) for each in made]
    if unknown:
        parameters.append({"name": "outcome", "resource": operation_outcome(unknown, call.interaction.language)})
    return answered([*parameters, *part("suivant", "Uri", following)])


def _told(call: Call, format: FileFormat, made: _Made) -> Resource:
    data = made.file.data
    file: list[Resource] = []
    if data is not None:
        binary = {"resourceType": "Binary", "contentType": format.media_type, "data": b64encode(data).decode()}
        file = [
            *part("nom", "String", made.name),
            *part("empreinte", "String", sha256(data).hexdigest()),
            {"name": "fichier", "resource": binary},
        ]
    return group(
        "dossier",
        part("numero", "Identifier", identifier(made.number)),
        part("prescription", "Reference", {"reference": f"ServiceRequest/{made.id}"}),
        file,
        [{"name": "outcome", "resource": made.outcome(call)}],
    )


def _lines(
    call: Call, format: FileFormat, made: Sequence[_Made], following: str | None, unknown: Sequence[Issue]
) -> Answer:
    """A line for each file, followed by a line of what is to be said of it, where there is something."""
    lines: list[bytes] = []
    for each in made:
        if each.file.data is not None:
            lines.append(msgspec.json.format(each.file.data, indent=-1))
        if each.file.issues:
            lines.append(encode(each.outcome(call)))
    if unknown:
        lines.append(encode(operation_outcome(unknown, call.interaction.language)))
    return Answer(200, b"".join(line + b"\n" for line in lines), media_type=NDJSON)


def _zipped(
    call: Call, format: FileFormat, made: Sequence[_Made], following: str | None, unknown: Sequence[Issue]
) -> Answer:
    told = [encode(each.outcome(call)) for each in made]
    if unknown:
        told.append(encode(operation_outcome(unknown, call.interaction.language)))
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for each in made:
            if each.file.data is not None:
                archive.writestr(_entry(each.name), each.file.data)
        archive.writestr(_entry("outcome.ndjson"), b"".join(line + b"\n" for line in told))
    return Answer(200, held.getvalue(), media_type=ZIP)


def _entry(name: str) -> zipfile.ZipInfo:
    """Return the head of an entry without the moment: the same files are the same bytes."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry
