"""The examples of dossiers on their way lack at the door what stands beside them: `$completude`, in both languages.

Source: profiles/examples/pfmg/README.md; `fhir_gateway/dossier/rules.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.dossier.rules import RULES
from fhir_gateway.fhir.json import decode
from tests.demo_dossiers.test_examples import ALL, expected, name
from tests.interactions.desk import Desk

Resource = dict[str, Any]
STATES = [path for path in ALL if path.parent.name == "states"]


@pytest.mark.parametrize("path", STATES, ids=name)
def test_a_dossier_on_its_way_lacks_at_the_door_what_stands_beside_it(desk: Desk, path: Path) -> None:
    held = [each["resource"] for each in decode(path.read_bytes())["entry"]]
    desk.seed(*held)
    requests = [each for each in held if each["resourceType"] == "ServiceRequest"]
    (proband,) = [each for each in requests if "proband" in str(each["category"])]
    is_draft = all(each["status"] == "draft" for each in requests)
    for state, issues in expected(path).get("gaps", {"draft" if is_draft else "active": []}).items():
        want = sorted((each["severity"], each["code"], stored_at(each["expression"], held)) for each in issues)
        url = f"ServiceRequest/{proband['id']}/$completude?pour={state}"
        for language in ("fr", "en"):
            outcome = decode(desk.ask("GET", url, language=language).body or b"")
            found = [each for each in outcome["issue"] if each["severity"] != "information"]
            assert sorted(map(told, found)) == want
            assert all(is_in(language, each) for each in found)


def told(issue: Resource) -> tuple[str, str, str]:
    return issue["severity"], issue["details"]["coding"][0]["code"], issue["expression"][0]


def is_in(language: str, issue: Resource) -> bool:
    (rule,) = [each for each in RULES if each.id == issue["details"]["coding"][0]["code"]]
    text = re.escape(rule.fr if language == "fr" else rule.en)
    return re.fullmatch(re.sub(r"\\{\w+\\}", ".+", text), issue["details"]["text"]) is not None


def stored_at(expression: str, held: Sequence[Resource]) -> str:
    """Return an expression in a Bundle as one of what is stored."""
    match = re.fullmatch(r"Bundle\.entry\[(\d+)\]\.resource(.*)", expression)
    assert match is not None
    resource = held[int(match[1])]
    return f"{resource['resourceType']}.where(id = '{resource['id']}'){match[2]}"
