"""Published resources, judged: `python -m tests.spec.corpora [--packages DIR] [--french DIR] [--json OUT]`.

The official examples of R4, those of Genomics Reporting, those of the French core and its definitions. No error is
given but those that `official_examples.tsv` lists, each with who says so too, and those of the French publisher.

Source: hl7.fhir.r4.examples 4.0.1; hl7.fhir.uv.genomics-reporting 3.0.0; hl7.fhir.fr.core 2.2.0, whose
`other/validation-oo.json` is the outcome that its publisher got for each of its resources.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fhir_gateway.conformance.validation.validator import USUAL, Validator
from fhir_gateway.conformance.validation.walk import Wishes
from fhir_gateway.conformance.validators import validator_of
from tests.shared_data import SHARED
from tests.spec.outcomes import Outcome, packages_folder, report
from tests.spec.validator import _place as place_of

EXAMPLES = "hl7.fhir.r4.examples-4.0.1.tgz"
GENOMICS = "hl7.fhir.uv.genomics-reporting"
BESIDE = ("hl7.terminology.r4", "hl7.fhir.uv.extensions.r4")
REVIEWED = Path(__file__).with_name("official_examples.tsv")
MOST_OF_OURS = 12
# The language that the guide of the French core names for what says none itself (its parameter i18n-default-lang).
IN_FRENCH = Wishes(language="fr-FR")
# What HL7's package of examples has besides: the definitions of R4.
_DEFINITIONS = re.compile(
    r"(?:StructureDefinition|SearchParameter|ValueSet|CodeSystem|ConceptMap|OperationDefinition|CompartmentDefinition"
    r"|NamingSystem)-"
)


_NUMBER = re.compile(r"\[\d+\]")


class Error(NamedTuple):
    """One kind of error: in which example, its detail code, its place without the numbers of items and comments."""

    example: str
    detail: str
    place: str


class Review(NamedTuple):
    """How often an error is given, and who says so too, or why only we do ("ours: …")."""

    times: int
    says: str


@cache
def reviewed() -> dict[Error, Review]:
    """Return the errors of the official examples that have been looked at."""
    rows = (line.split("\t") for line in REVIEWED.read_text(encoding="utf-8").splitlines() if line[:1] not in ("", "#"))
    return {Error(*error): Review(int(times), says) for times, *error, says in rows}


def unreviewed(found: list[Error]) -> list[Error]:
    """Return the errors that have not been looked at, or are more of a kind than those that have."""
    none = Review(0, "")
    counts = Counter(found)
    return [each for each, count in counts.items() if count > reviewed().get(each, none).times]


def official_examples(packages: Path) -> Iterator[tuple[str, bytes]]:
    for name, body in inside(packages / EXAMPLES, "package"):
        if _DEFINITIONS.match(name) is None:
            yield name, body


def inside(package: Path, folder: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and body of the resources in a folder of a package."""
    with tarfile.open(package) as archive:
        for member in archive:
            head, _, name = member.name.rpartition("/")
            if head == folder and name.endswith(".json") and name[0] != "." and name != "package.json":
                file = archive.extractfile(member)
                assert file is not None, name
                yield name, file.read()


def errors(validator: Validator, name: str, body: bytes, wishes: Wishes = USUAL) -> list[Error]:
    """Return the errors of a resource, each with its detail code and place."""
    return [
        Error(name, each.issue.complaint.detail, _NUMBER.sub("", place_of(each.issue.expression or "")))
        for each in validator.validate_bytes(body, wishes=wishes)
        if each.is_error
    ]


@cache
def validator(packages: Path, *more: str) -> Validator:
    return validator_of((*more, *BESIDE), packages)


# --- the French core


def french(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and body of the examples of the French core, then of its definitions."""
    for path in (*sorted((folder / "package/example").glob("*.json")), *sorted((folder / "package").glob("*.json"))):
        if path.name[0] != "." and path.name != "package.json":
            yield path.name, path.read_bytes()


def published(folder: Path, said: str = "") -> Mapping[str, Counter[str]]:
    """Return the places of the errors that the publisher's validator found, by resource ("Patient-1").

    `said`: words that the errors have to begin with.
    """
    bundle = json.loads((folder / "package/other/validation-oo.json").read_text(encoding="utf-8"))
    found: dict[str, Counter[str]] = {}
    for entry in bundle["entry"]:
        name = entry["resource"]["id"]
        issues = [each for each in entry["resource"].get("issue", ()) if each["severity"] in ("error", "fatal")]
        issues = [each for each in issues if each["details"]["text"].startswith(said)]
        places = (each.get("expression", [""])[0] for each in issues)
        found[name] = Counter(_NUMBER.sub("", place_of(place.rpartition(": ")[2])) for place in places)
    return found


def beyond(found: list[Error], known: Counter[str]) -> list[Error]:
    """Return the errors that stand where the publisher's validator has none."""
    left = Counter(known)
    left.subtract(each.place for each in found)
    return [each for each in found if left[each.place] < 0]


# --- the runner


def run(packages: Path, folder: Path | None) -> list[Outcome]:
    """Return what became of each resource: it has passed where no error is given that was not reviewed."""
    outcomes = []
    for name, body in official_examples(packages):
        outcomes.append(_outcome(f"R4 {name}", unreviewed(errors(validator(packages), name, body))))
    genomics = next(packages.glob(f"{GENOMICS}-*.tgz"))
    for name, body in inside(genomics, "package/example"):
        outcomes.append(_outcome(f"genomics {name}", errors(validator(packages, GENOMICS), name, body)))
    if folder is None:
        sys.stderr.write("the French core is not here: its resources are left out\n")
        return outcomes
    known = published(folder)
    for name, body in french(folder):
        found = errors(validator(packages, str(folder)), name, body, IN_FRENCH)
        outcomes.append(_outcome(f"French {name}", beyond(found, known.get(name.removesuffix(".json"), Counter()))))
    return outcomes


def _outcome(id: str, found: list[Error]) -> Outcome:
    return Outcome(id, not found, "; ".join(f"{each.detail} at {each.place}" for each in found))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.spec.corpora", description=__doc__)
    parser.add_argument("--packages", type=Path, default=packages_folder())
    parser.add_argument("--french", type=Path, default=SHARED / "fr-core" if (SHARED / "fr-core").is_dir() else None)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.packages is None or not (options.packages / EXAMPLES).is_file():
        sys.stderr.write(f"{EXAMPLES} is not here; name its folder with --packages\n")
        return 1
    return report("corpora", run(options.packages, options.french), options.json)


if __name__ == "__main__":
    sys.exit(main())
