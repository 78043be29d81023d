"""Published resources have no error but those that HL7's validator, or their publisher's, gives too.

In `make test` a fiftieth of the official examples and of Genomics Reporting's, in `make conformance` a tenth, or all
with FULL=1; the French core always whole.

Source: `corpora.py`; `official_examples.tsv` has what was looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.floors import SHARE, drawn
from tests.shared_data import shared
from tests.spec.corpora import (
    EXAMPLES,
    GENOMICS,
    IN_FRENCH,
    MOST_OF_OURS,
    beyond,
    errors,
    french,
    inside,
    official_examples,
    published,
    reviewed,
    unreviewed,
    validator,
)


@pytest.fixture(scope="module")
def packages() -> Path:
    return shared("packages", EXAMPLES).parent


@pytest.fixture(scope="module")
def french_core() -> Path:
    return shared("fr-core", "package", "package.json").parents[1]


def test_official_examples_have_no_error_that_was_not_reviewed(
    packages: Path, record_property: Callable[[str, object], None]
) -> None:
    examples = dict(official_examples(packages))
    assert len(examples) == 738
    names = drawn(sorted(examples))
    found = {name: errors(validator(packages), name, examples[name]) for name in names}
    wrong = {name: unreviewed(each) for name, each in found.items() if unreviewed(each)}
    record_property(
        "score", f"official examples without an unreviewed error: {len(names) - len(wrong)} of {len(names)}"
    )
    assert wrong == {}
    if SHARE == 1:
        given = Counter(each for errors in found.values() for each in errors)
        assert {each: one.times for each, one in reviewed().items()} == given, "what is no longer given leaves the list"


def test_few_of_the_reviewed_errors_are_given_by_this_validator_alone() -> None:
    ours = [each for each, one in reviewed().items() if not one.says.startswith("HL7")]
    assert len(ours) <= MOST_OF_OURS
    assert all(len(reviewed()[each].says) > len("ours: ") for each in ours)


def test_examples_of_genomics_reporting_have_no_error(packages: Path) -> None:
    package = next(packages.glob(f"{GENOMICS}-*.tgz"))
    examples = dict(inside(package, "package/example"))
    assert len(examples) == 204
    wrong = {name: errors(validator(packages, GENOMICS), name, examples[name]) for name in drawn(sorted(examples))}
    assert {name: each for name, each in wrong.items() if each} == {}


def test_the_french_core_has_no_error_that_its_publisher_did_not_find(packages: Path, french_core: Path) -> None:
    known = published(french_core)
    judge = validator(packages, str(french_core))
    wrong = {}
    count = 0
    for name, body in french(french_core):
        count += 1
        found = beyond(errors(judge, name, body, IN_FRENCH), known.get(name.removesuffix(".json"), Counter()))
        if found:
            wrong[name] = found
    assert wrong == {}
    assert count == 173


def test_the_slicing_without_discriminator_of_the_french_blood_pressure_is_found(
    packages: Path, french_core: Path
) -> None:
    name = "StructureDefinition-fr-core-observation-bp.json"
    body = (french_core / "package" / name).read_bytes()
    details = {each.detail for each in errors(validator(packages, str(french_core)), name, body)}
    assert "validation-invariant" in details  # eld-1


def test_the_french_core_calls_france_otherwise_than_iso_wherever_its_publisher_says_so(
    packages: Path, french_core: Path
) -> None:
    known = published(french_core, "Wrong Display Name 'France' for urn:iso:std:iso:3166#FR.")
    judge = validator(packages, str(french_core))
    count = 0
    missing = {}
    for name, body in french(french_core):
        there = known.get(name.removesuffix(".json"), Counter())
        ours = Counter(
            each.place for each in errors(judge, name, body, IN_FRENCH) if each.detail == "validation-display"
        )
        count += ours.total()
        if ours != there:
            missing[name] = (ours, there)
    assert missing == {}
    assert count == 142
