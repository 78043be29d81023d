"""The examples of PFMG's profiles tell the same at every door: `$validate`, POST, `$submit` and the command line.

Good ones are clean but for warnings that were reviewed; bad ones give exactly the issues that stand beside them, and
what is refused leaves nothing behind. Asked over HTTP with tokens, on both engines. What a door tells otherwise by its
nature stands in `ALONE` and `HIDDEN`, with the reason.

Source: profiles/examples/pfmg/README.md; profiles/pfmg/invariants; `fhir_gateway/dossier/rules.py`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from typer.testing import CliRunner

from fhir_gateway.cli import app
from fhir_gateway.demo.credentials import made
from fhir_gateway.demo_dossiers.invented import professionals
from fhir_gateway.demo_dossiers.submission import directory, transaction
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.actor import Acting
from fhir_gateway.dossier.rules import RULES
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.policy.builtin_issuer import BuiltinIssuer, kept_key
from tests.conformance.pfmg.definitions import INVARIANTS
from tests.demo_dossiers.test_examples import ALL, BAD, GOOD, expected, is_known, name, present_gaps
from tests.floors import drawn
from tests.served import Served, serve

pytestmark = pytest.mark.conformance

Resource = dict[str, Any]
Told = tuple[str, str, str]  # severity, code, expression
ADMINISTRATOR: Final = Acting("administrateur")
LIFE: Final = 3600  # seconds
JSON: Final = "application/fhir+json"
OF_DOSSIERS: Final = {rule.id: rule for rule in RULES}
SUBMISSIONS: Final = [path for path in ALL if path.parent.name == "submissions" and path.stem != "directory"]
RESOURCES: Final = [path for path in ALL if path.parent.name == "resources"]
OF_INVARIANTS: Final = sorted(INVARIANTS.glob("*/*.json"))
# One structure, one role or one Task is no dossier, and nobody is asked to prescribe for nobody: what is sound in these
# is refused for who sends it, or for its state, once validation has passed it. By type, with the issues that may come.
ALONE: Final = {
    "ServiceRequest": {"dossier-state-not-allowed", "dossier-actor-not-allowed"},
    "Task": {"dossier-state-not-allowed", "dossier-actor-not-allowed"},
}
# A refusal tells the errors of all entries, with the warnings of those entries that have errors: what else is to be
# said of a Bundle that is not taken, its gaps too, `$validate` says.
HIDDEN: Final = "warnings of sound entries, and gaps, of a Bundle that validation refuses"
# What a transaction refuses before any rule of a dossier is asked: two Patients under one condition are one resource.
BEFORE_THE_RULES: Final = {"bad-ins-shared": "identity-twice"}


def some(paths: Sequence[Path]) -> Sequence[Path]:
    """Return the examples to ask about now: all of them in `make conformance`, one in ten in `make test`."""
    return paths if "FHIR_GATEWAY_SUITES" in os.environ else drawn(paths, 0.1)


# --- who asks


class Door:
    """A gateway over HTTP, and who asks."""

    def __init__(self, served: Served, key: Path) -> None:
        self._base = served.base
        self._issuer = BuiltinIssuer(f"{served.base}/auth", served.base, kept_key(key))
        self._session = requests.Session()
        self._tokens: dict[Acting, str] = {}

    def ask(
        self, actor: Acting, method: str, path: str, body: bytes | Resource | None = None, language: str = "en"
    ) -> tuple[int, Any]:
        if actor not in self._tokens:
            self._tokens[actor] = made(self._issuer, actor, LIFE)
        headers = {
            "Authorization": f"Bearer {self._tokens[actor]}",
            "Content-Type": JSON,
            "Accept": JSON,
            "Accept-Language": language,
            "Prefer": "return=OperationOutcome",
        }
        data = body if isinstance(body, bytes) or body is None else encode(body)
        url = f"{self._base}/{path}".rstrip("/")
        answer = self._session.request(method, url, data=data, headers=headers, timeout=60)
        return answer.status_code, answer.json() if answer.content else None

    def number(self) -> int:
        """Return how many resources of the types that examples have are stored."""
        types = "Patient,RelatedPerson,ServiceRequest,Task,Consent,Specimen,Observation,FamilyMemberHistory"
        query = f"?_type={types},DocumentReference,DiagnosticReport,Procedure,Provenance&_summary=count"
        status, found = self.ask(ADMINISTRATOR, "GET", query)
        assert status == 200, found
        return int(found["total"])

    def purge(self, *places: str) -> None:
        force = {"resourceType": "Parameters", "parameter": [{"name": "force", "valueBoolean": True}]}
        for place in places:
            status, told = self.ask(ADMINISTRATOR, "POST", f"{place}/$purge", force)
            assert status in (200, 404), told  # a patient takes the record along


@pytest.fixture(scope="module")
def door(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A gateway that knows the directory; who is shown everything may refer to what it does not hold."""
    key = tmp_path_factory.mktemp("issuer") / "key.pem"
    environment = {
        "FHIR_GATEWAY_BUILTIN_ISSUER": "true",
        "FHIR_GATEWAY_ISSUER_KEY": str(key),
        "FHIR_GATEWAY_INTEGRITY_ON_WRITE": "false",
    }
    with serve(database, environment=environment) as served:
        door = Door(served, key)
        status, told = door.ask(ADMINISTRATOR, "POST", "", transaction(directory()))
        assert status == 200, told
        yield door


def prescriber_of(bundle: Resource) -> Acting:
    """Return who prescribes: the professional of the directory whose RPPS the Bundle brings."""
    numbers = {each.rpps: each for each in professionals().values()}
    for each in bundle["entry"]:
        if each["resource"]["resourceType"] == "Practitioner":
            for identifier in each["resource"]["identifier"]:
                if identifier["value"] in numbers:
                    return numbers[identifier["value"]].acting
    raise AssertionError("nobody prescribes")


# --- what is told


def plain(expression: str) -> str:
    """Return an expression without the comments by which entries of a Bundle are told apart."""
    return re.sub(r"/\*.*?\*/", "", expression)


def told(outcome: Resource) -> list[Told]:
    """Return the errors and warnings of an OperationOutcome."""
    return in_plain(as_told(outcome))


def as_told(outcome: Resource) -> list[Told]:
    return [
        (each["severity"], each["details"]["coding"][0]["code"], next(iter(each.get("expression", ())), ""))
        for each in outcome["issue"]
        if each["severity"] != "information"
    ]


def in_plain(found: Iterable[Told]) -> list[Told]:
    return sorted((severity, code, plain(expression)) for severity, code, expression in found)


def unreviewed(verdict: Resource) -> list[Told]:
    return in_plain(each for each in as_told(verdict) if each[0] == "error" or not is_known(each[1], each[2]))


def wanted(path: Path) -> list[Told]:
    """Return the issues that stand beside an example; of a submission with its gaps for the state that it is in."""
    found = [*expected(path).get("validate", ()), *present_gaps(path)]
    return in_plain((each["severity"], each["code"], each["expression"]) for each in found)


def hold_refusal(answer: Resource, found: Sequence[Told]) -> None:
    """Hold a refusal to all errors of the stage that refuses, and to no more than was found (`HIDDEN`)."""
    errors = [each for each in found if each[0] == "error"]
    of_validation = [each for each in errors if each[1].startswith("validation-")]
    said = told(answer)
    assert [each for each in said if each[0] == "error"] == (of_validation or errors), answer
    assert set(said) <= set(found), HIDDEN


def of_bundle(response: Resource) -> list[Told]:
    """Return what a transaction response tells of its entries."""
    outcomes = (each["response"].get("outcome") for each in response["entry"])
    return sorted(each for outcome in outcomes if outcome is not None for each in told(outcome))


def spoken(outcomes: Sequence[Resource], language: str) -> None:
    """Hold each gap to the text of its rule in a language: what is wrong, then what to do."""
    for outcome in outcomes:
        for each in outcome["issue"]:
            rule = OF_DOSSIERS.get(each["details"]["coding"][0]["code"])
            if rule is not None:
                text = rule.fr if language == "fr" else rule.en
                pattern = re.sub(r"\\\{\w+\\\}", ".+", re.escape(text))
                assert re.fullmatch(pattern, each["details"]["text"]), each


# --- the command line


@pytest.fixture(scope="session")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Told]]:
    """What `fhir-gateway validate` tells of the examples, asked once."""
    rendered = tmp_path_factory.mktemp("invariants")
    files = [str(path) for path in (*some(RESOURCES), *some(SUBMISSIONS))]
    for path in some(OF_INVARIANTS):
        copy = rendered / f"{path.parent.name}-{path.name}"
        copy.write_bytes(with_base(path))
        files.append(str(copy))
    run = CliRunner().invoke(app, ["validate", *files, "--format", "json", "--level", "warning", "--language", "en"])
    assert run.exit_code == 1, run.output
    answers = {}
    for each in json.loads(run.stdout)["files"]:
        issues = ((issue["severity"], issue["code"], issue["expression"] or "") for issue in each["issues"])
        path = Path(each["file"])
        answers[path.name if path.parent == rendered else name(path)] = in_plain(issues)
    return answers


def with_base(path: Path) -> bytes:
    return path.read_bytes().replace(b"{pfmg}", CANONICAL_BASE.encode())


# --- resources alone


@pytest.mark.parametrize("path", some(RESOURCES), ids=name)
def test_a_resource_tells_the_same_at_every_door(door: Door, command_line: dict[str, list[Told]], path: Path) -> None:
    verdict = same_alone(door, path.read_bytes(), command_line[name(path)])
    assert unreviewed(verdict) == wanted(path)


@pytest.mark.parametrize("path", some(OF_INVARIANTS), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_invariant_is_told_at_every_door(door: Door, command_line: dict[str, list[Told]], path: Path) -> None:
    body = with_base(path)
    verdict = same_alone(door, body, command_line[f"{path.parent.name}-{path.name}"])
    broken = [each for each in told(verdict) if each[1].startswith("validation-invariant")]
    assert len(broken) == (path.stem == "bad")


def same_alone(door: Door, body: bytes, by_file: list[Told]) -> Resource:
    """Return what `$validate` tells of one resource, once the other doors have told the same."""
    resource = decode(body)
    kind = resource["resourceType"]
    status, verdict = door.ask(ADMINISTRATOR, "POST", f"{kind}/$validate", body)
    assert status == 200, verdict
    found = told(verdict)
    assert found == by_file
    before = door.number()
    path = "" if kind == "Bundle" and resource["type"] == "transaction" else kind
    status, answer = door.ask(ADMINISTRATOR, "POST", path, body)
    refused = any(severity == "error" for severity, _, _ in found)
    if refused:
        assert status == 422, answer
        hold_refusal(answer, found)
        assert kind == "Bundle" or told(answer) == found
    elif kind in ALONE:
        assert status in (403, 422), answer
        assert {code for _, code, _ in told(answer)} <= ALONE[kind]
    elif path == "":
        assert status in (200, 403, 422), answer
    else:
        assert (status, told(answer)) == (201, found), answer
        (stored,) = set(re.findall(rf"{kind}/[A-Za-z0-9.-]+", answer["issue"][0]["details"]["text"]))
        door.purge(stored)
    assert door.number() == before
    return verdict  # type: ignore[no-any-return]


# --- submissions


@pytest.mark.parametrize("path", some(SUBMISSIONS), ids=name)
def test_a_submission_tells_the_same_at_every_door(door: Door, command_line: dict[str, list[Told]], path: Path) -> None:
    body = path.read_bytes()
    bundle = decode(body)
    actor = prescriber_of(bundle)
    earlier = before_it(door, path)
    status, verdict = door.ask(actor, "POST", "Bundle/$validate", body)
    assert status == 200, verdict
    found = told(verdict)
    assert unreviewed(verdict) == wanted(path)
    assert found == command_line[name(path)]
    _, in_french = door.ask(actor, "POST", "Bundle/$validate", body, "fr")
    spoken([verdict], "en")
    spoken([in_french], "fr")
    assert told(in_french) == found
    errors = [each for each in found if each[0] == "error"]
    # `$submit` is the same transaction: what is stored with gaps need not be sent by both.
    doors = [("", "fr")] if path in BAD and not errors else [("", "fr"), ("ServiceRequest/$submit", "en")]
    for asked, language in doors:
        before = door.number()
        status, answer = door.ask(actor, "POST", asked, body, language)
        if path.stem in BEFORE_THE_RULES:
            assert (status, kinds(told(answer))) == (409, [("error", BEFORE_THE_RULES[path.stem])])
        elif errors:
            assert status == 422, answer
            hold_refusal(answer, found)
            spoken([answer], language)
        else:
            assert status == 200, answer
            left: list[str] = []
            try:
                stored(door, actor, path, answer, language, found, left)
            finally:
                door.purge(*sorted(set(left) - set(earlier), key=lambda each: not each.startswith("Patient/")))
        assert door.number() == before, "a refusal leaves nothing behind, and a purge neither"
    door.purge(*earlier)


def before_it(door: Door, path: Path) -> list[str]:
    """Send what an example goes on from, and return where that stands."""
    if "reanalysis" not in (path.stem, str(expected(path).get("twin", "")).removesuffix(".json")):
        return []
    earlier = path.with_name("first-analysis.json").read_bytes()
    status, answer = door.ask(prescriber_of(decode(earlier)), "POST", "", earlier)
    assert status == 200, answer
    return places(door, answer)


def places(door: Door, response: Resource) -> list[str]:
    """Return where a transaction has created resources, and the server Tasks for it."""
    responses = [each["response"] for each in response["entry"]]
    made = [each["location"].partition("/_history")[0] for each in responses if each["status"].startswith("201")]
    requests = ",".join(each for each in made if each.startswith("ServiceRequest/"))
    return [*made, *tasks_of(door, requests)]


def tasks_of(door: Door, requests: str) -> list[str]:
    _, found = door.ask(ADMINISTRATOR, "GET", f"Task?focus={requests}&_count=200")
    return [f"Task/{each['resource']['id']}" for each in found.get("entry", ())]


def stored(
    door: Door, actor: Acting, path: Path, answer: Resource, language: str, found: list[Told], left: list[str]
) -> None:
    """Hold the answer, and `$completude` of the dossier, to what stands beside; note in `left` what is stored."""
    if answer["resourceType"] == "Bundle":
        left += places(door, answer)
        assert of_bundle(answer) == found
        spoken([each["response"]["outcome"] for each in answer["entry"]], language)
    else:
        (outcome,) = [each["resource"] for each in answer["parameter"] if each["name"] == "outcome"]
        named = (each for each in answer["parameter"] if each["name"] == "prescription")
        requests = [each["valueReference"]["reference"] for each in named]
        left += [*whole(door, requests), *tasks_of(door, ",".join(requests))]
        spoken([outcome], language)
        assert kinds(told(outcome)) == kinds(of_gaps(path, "finalise"))
    proband = probands(door, [each for each in left if each.startswith("ServiceRequest/")])
    for state in ("draft", "finalise"):
        status, told_gaps = door.ask(actor, "GET", f"{proband}/$completude?pour={state}", language=language)
        assert status == 200, told_gaps
        spoken([told_gaps], language)
        assert kinds(told(told_gaps)) == kinds(of_gaps(path, state))
        where = {re.match(r"(\w+)\.where\(id = '([^']+)'\)", each[2]) for each in told(told_gaps)}
        assert all(match is not None and f"{match[1]}/{match[2]}" in left for match in where), told_gaps


def of_gaps(path: Path, state: str) -> list[Told]:
    """Return the gaps of a submission for a state; of a good one what every draft lacks at finalise."""
    beside = expected(path)
    if "gaps" not in beside:
        return [("error", "dossier-rcp-missing", "-")] if state == "finalise" else []
    return [(each["severity"], each["code"], each["expression"]) for each in beside["gaps"].get(state, ())]


def kinds(found: Sequence[Told]) -> list[tuple[str, str]]:
    return sorted((severity, code) for severity, code, _ in found)


def whole(door: Door, requests: Sequence[str]) -> list[str]:
    """Return all that a submission has stored, as its patients' records and what they name have it."""
    found: dict[str, None] = dict.fromkeys(requests)
    for request in requests:
        _, stored = door.ask(ADMINISTRATOR, "GET", request)
        patient = stored["subject"]["reference"]
        _, record = door.ask(ADMINISTRATOR, "GET", f"{patient}/$everything?_count=500")
        kept = ("Practitioner", "PractitionerRole", "Organization")
        for each in record["entry"]:
            if each["resource"]["resourceType"] not in kept:
                found[f"{each['resource']['resourceType']}/{each['resource']['id']}"] = None
    return list(found)


def probands(door: Door, requests: Sequence[str]) -> str:
    for request in requests:
        _, stored = door.ask(ADMINISTRATOR, "GET", request)
        if "proband" in codes.codes(stored["category"], codes.ROLE):
            return request
    return requests[0]


def test_the_examples_are_all_asked() -> None:
    states = [path for path in ALL if path.parent.name == "states"]  # tests/interactions/operations
    assert len(SUBMISSIONS) + len(states) + len(RESOURCES) + 1 == len(ALL) == len(GOOD) + len(BAD)
    assert len(OF_INVARIANTS) >= 96
