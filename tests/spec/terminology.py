"""The official suite of terminology services: `python -m tests.spec.terminology --suite DIR [--json OUT]`.

Each case is asked of a gateway in a process of its own, on an empty SQLite file. As the reference runner does, every
request brings the resources of its suite as `tx-resource`, with the parameters of the case's profile. Requests are
turned from R5 into R4, answers from R4 into R5, and compared by the rules of the suite's readme: array order is free,
`$…$` marks patterns and what may be absent; narrative and `diagnostics` are set aside. `issue.location`, which R4 has
beside `expression` for older clients, stands in some of the expected answers and is left out of others: where it says
the same as `expression` it is not compared, unless `--strict`.

Source: HL7, FHIR Terminology Ecosystem, "tests"; its readme.md.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import requests

from tests.served import serve
from tests.spec.r5 import to_r4, to_r5

_LEFT_OUT = "tx.fhir.org"  # cases for the reference server alone
_PATHS = {
    "expand": "ValueSet/$expand",
    "validate-code": "ValueSet/$validate-code",
    "cs-validate-code": "CodeSystem/$validate-code",
    "batch-validate": "ValueSet/$batch-validate-code",
    "lookup": "CodeSystem/$lookup",
    "subsumes": "CodeSystem/$subsumes",
    "translate": "ConceptMap/$translate",
}
_SECONDS = 60
_MARKS = frozenset({"$optional$", "$optional", "$optional-properties$", "$count-arrays$"})
_PATTERNS = {
    "$$": re.compile(r".*", re.DOTALL),
    "$instant$": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
    "$date$": re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?)?)?"),
    "$uuid$": re.compile(r"urn:uuid:[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    "$id$": re.compile(r"[A-Za-z0-9\-.]{1,64}"),
    "$url$": re.compile(r"https?://\S+"),
    "$token$": re.compile(r"[0-9a-zA-Z_][0-9a-zA-Z_.\-]*"),
    "$string$": re.compile(r".+", re.DOTALL),
    "$semver$": re.compile(r"\d+(\.\d+){1,2}(-[0-9A-Za-z.\-]+)?(\+[0-9A-Za-z.\-]+)?"),
    "$version$": re.compile(r"\S+"),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One case: `problem` None when the answer is as expected."""

    suite: str
    name: str
    problem: str | None
    crashed: bool = False
    answer: Any = None

    @property
    def id(self) -> str:
        return f"{self.suite}/{self.name}"


def run(suite: Path, only: str = "", strict: bool = False) -> tuple[list[Judged], list[str]]:
    """Return the judgement of every case, and the ids of those that are left out."""
    index = _json(suite / "test-cases.json")
    judged: list[Judged] = []
    left_out: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {"FHIR_GATEWAY_LANGUAGE": "en"}
        with serve(f"sqlite:///{folder}/gateway.sqlite", environment=environment) as served, requests.Session() as http:
            for group in index["suites"]:
                for case in group["tests"]:
                    if _LEFT_OUT in (case.get("mode"), group.get("mode")):
                        left_out.append(f"{group['name']}/{case['name']}")
                    elif only in f"{group['name']}/{case['name']}":
                        judged.append(_judged(http, served.base, suite, group, case, strict))
    return judged, left_out


def _judged(
    http: requests.Session,
    base: str,
    suite: Path,
    group: Mapping[str, Any],
    case: Mapping[str, Any],
    strict: bool = False,
) -> Judged:
    """Ask one case and compare its answer."""
    try:
        status, answer = _asked(http, base, suite, group, case)
    except (requests.RequestException, ValueError) as error:
        return Judged(group["name"], case["name"], f"no answer: {error}", crashed=True)
    if status >= 500:
        return Judged(group["name"], case["name"], f"status {status}", crashed=True, answer=answer)
    wanted = str(case.get("http-code", "2xx"))
    problems = [] if str(status)[0] == wanted[0] else [f"status {status}, expected {wanted}"]
    # A second response is as good as the first.
    for name in ("response", "response2"):
        if name in case:
            expected = _json(suite / case[name])
            problem = compare(expected, answer) if strict else compare(_once(expected), _once(answer))
            if problem is None and (not problems or name == "response2"):
                return Judged(group["name"], case["name"], None, answer=answer)
            if problem is not None:
                problems.append(problem)
    return Judged(group["name"], case["name"], "; or ".join(problems), answer=answer)


def _asked(
    http: requests.Session, base: str, suite: Path, group: Mapping[str, Any], case: Mapping[str, Any]
) -> tuple[int, Any]:
    request = to_r4(_json(suite / case["request"]))
    parameters = request.setdefault("parameter", [])
    profile = case.get("profile")
    if profile is not None:
        parameters += to_r4(_json(suite / profile))["parameter"]
    parameters += ({"name": "tx-resource", "resource": to_r4(_json(suite / name))} for name in group.get("setup", ()))
    headers = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
    headers["Accept-Language"] = case.get("Accept-Language", "")
    if not headers["Accept-Language"]:
        headers.pop("Accept-Language")
    body = json.dumps(request, default=float).encode()
    answer = http.post(f"{base}/{_PATHS[case['operation']]}", data=body, headers=headers, timeout=_SECONDS)
    return answer.status_code, to_r5(_scrubbed(json.loads(answer.content, parse_float=Decimal)))


@lru_cache(4096)
def _json(path: Path) -> Any:
    # Some files begin with a byte order mark.
    return json.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)


def _scrubbed(value: Any) -> Any:
    """Return an answer without narrative, meta, and the diagnostics of issues."""
    if isinstance(value, list):
        return [_scrubbed(each) for each in value]
    if not isinstance(value, dict):
        return value
    dropped = (
        {"meta"}
        | ({"text"} if "resourceType" in value else set())
        | ({"diagnostics"} if "severity" in value else set())
    )
    return {name: _scrubbed(each) for name, each in value.items() if name not in dropped}


def _once(value: Any) -> Any:
    """Return the same without a `location` that says what `expression` says."""
    if isinstance(value, list):
        return [_once(each) for each in value]
    if not isinstance(value, dict):
        return value
    twice = "expression" in value and value.get("location") == value["expression"]
    return {name: _once(each) for name, each in value.items() if not (twice and name == "location")}


# --- comparison


def compare(wanted: Any, found: Any, path: str = "") -> str | None:
    """Return where an answer is not as expected; None when it is."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            return f"{path}: expected an object, found {_short(found)}"
        return _compare_objects(wanted, found, path)
    if isinstance(wanted, list):
        if not isinstance(found, list):
            return f"{path}: expected an array, found {_short(found)}"
        return _compare_arrays(wanted, found, path)
    if isinstance(wanted, str) and isinstance(found, str):
        return None if _fits(wanted, found) else f"{path}: expected {wanted!r}, found {found!r}"
    if type(wanted) is bool or type(found) is bool:
        return None if wanted is found else f"{path}: expected {wanted!r}, found {found!r}"
    return None if wanted == found else f"{path}: expected {wanted!r}, found {found!r}"


def _compare_objects(wanted: Mapping[str, Any], found: Mapping[str, Any], path: str) -> str | None:
    may_lack = {*wanted.get("$optional-properties$", ()), *wanted.get("$optional", ())}
    counted = set(wanted.get("$count-arrays$", ()))
    for name, value in found.items():
        if name not in wanted:
            return f"{path}.{name}: unexpected {_short(value)}"
        if name in counted:
            if len(value) != len(wanted[name]):
                return f"{path}.{name}: expected {len(wanted[name])} items, found {len(value)}"
            continue
        problem = compare(wanted[name], value, f"{path}.{name}")
        if problem is not None:
            return problem
    for name, value in wanted.items():
        if name not in found and name not in _MARKS and name not in may_lack and not _all_optional(value):
            return f"{path}.{name}: missing {_short(value)}"
    return None


def _compare_arrays(wanted: list[Any], found: list[Any], path: str) -> str | None:
    """Pair what is expected with what is there, in any order; nothing may be left on either side but the optional."""
    fits = [[compare(each, one, path) is None for one in found] for each in wanted]
    taken: dict[int, int] = {}  # of each item found, which expected one has it

    def pair(number: int, tried: set[int]) -> bool:
        for other, is_fit in enumerate(fits[number]):
            if is_fit and other not in tried:
                tried.add(other)
                if other not in taken or pair(taken[other], tried):
                    taken[other] = number
                    return True
        return False

    # What must be there is paired first; what may be is given the rest.
    for number in sorted(range(len(wanted)), key=lambda number: _is_optional(wanted[number])):
        if not pair(number, set()) and not _is_optional(wanted[number]):
            near = [compare(wanted[number], one, path) for at, one in enumerate(found) if at not in taken]
            closest = max((each for each in near if each), key=len, default="nothing left")
            return f"{path}: missing {_short(wanted[number])} (nearest: {closest})"
    rest = [each for at, each in enumerate(found) if at not in taken]
    return f"{path}: unexpected {_short(rest[0])}" if rest else None


def _is_optional(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    mark = value.get("$optional$")
    # "!tx.fhir.org": for all but the reference server; "version:4": where R4 is spoken; "warning:…": better told.
    return (
        mark is True or mark in ("!tx.fhir.org", "version:4") or (isinstance(mark, str) and mark.startswith("warning:"))
    )


def _all_optional(value: Any) -> bool:
    return _is_optional(value) or (isinstance(value, list) and all(_is_optional(each) for each in value))


def _fits(pattern: str, text: str) -> bool:
    if not (pattern.startswith("$") and pattern.endswith("$") and len(pattern) > 1):
        # A pattern may stand inside a text: "http://…|$version$".
        parts = re.split(r"(\$[a-z]+\$)", pattern)
        if len(parts) == 1:
            return pattern == text
        whole = "".join(_PATTERNS[part].pattern if part in _PATTERNS else re.escape(part) for part in parts)
        return re.fullmatch(whole, text, re.DOTALL) is not None
    if pattern in _PATTERNS:
        return _PATTERNS[pattern].fullmatch(text) is not None
    command, _, rest = pattern[1:-1].partition(":")
    match command:
        case "choice":
            return text in rest.split("|")
        case "fragments":
            return all(each in text for each in rest.split("|"))
        case "external":
            # "$external:n:…$": a text of the server's own that holds what stands behind the number.
            return rest.partition(":")[2] in text
    raise ValueError(f"unknown pattern {pattern}")


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) < 400 else f"{text[:400]}…"


def summary(judged: list[Judged], left_out: list[str]) -> dict[str, Any]:
    """Return the figures of a run of the suite."""
    return {
        "total": len(judged),
        "passed": sum(each.problem is None for each in judged),
        "crashed": sum(each.crashed for each in judged),
        "left_out": left_out,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path, required=True, help="folder that holds test-cases.json")
    parser.add_argument("--json", type=Path, help="write total, passed and cases here")
    parser.add_argument("--only", default="", help="only cases whose suite/name has this text")
    parser.add_argument("--strict", action="store_true", help="compare issue.location even where it says it twice")
    parser.add_argument("--show", action="store_true", help="show what is wrong with the cases that fail")
    arguments = parser.parse_args()
    judged, left_out = run(arguments.suite, arguments.only, arguments.strict)
    figures = summary(judged, left_out)
    by_suite: Counter[str] = Counter(each.suite for each in judged)
    passed: Counter[str] = Counter(each.suite for each in judged if each.problem is None)
    for each in judged:
        if arguments.show and each.problem is not None:
            sys.stdout.write(f"{each.id}\n    {each.problem}\n")
    sys.stdout.writelines(f"{name}: {passed[name]} of {total}\n" for name, total in by_suite.items())
    share = figures["passed"] / max(1, figures["total"])
    sys.stdout.write(
        f"passed: {figures['passed']} of {figures['total']} ({share:.1%}); crashed: {figures['crashed']}\n"
    )
    sys.stdout.write(f"left out: {', '.join(left_out) or 'none'}\n")
    if arguments.json:
        cases = [
            {"id": each.id, "passed": each.problem is None, "crashed": each.crashed, "problem": each.problem}
            for each in judged
        ]
        arguments.json.write_text(json.dumps({**figures, "cases": cases}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
