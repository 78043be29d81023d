"""Words as they are typed: folding, stems, a wrong letter, spans of numbers.

Source: FHIR R4, ValueSet, "$expand", "filter".
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.terminology.code_system import CodeSystem
from fhir_gateway.terminology.spans import Spans, all_of
from fhir_gateway.terminology.words.folding import likely, stem, words
from fhir_gateway.terminology.words.memory import ConceptIndex


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Crise d'Épilepsie", ["crise", "d", "epilepsie"]),
        ("Œdème (HP:1)", ["oedeme", "hp", "1"]),
        ("  low-set EARS ", ["low", "set", "ears"]),
        ("", []),
    ],
)
def test_words_have_no_case_accents_or_ligatures(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    "forms",
    [
        ("crise", "crises"),
        ("mental", "mentaux", "mentale", "mentales"),
        ("convulsif", "convulsive", "convulsives", "convulsifs"),
        ("retarde", "retardee", "retardees"),
        ("osseux", "osseuse", "osseuses"),
        ("seizure", "seizures"),
        ("epilepsy", "epilepsie"),
        ("sensoriel", "sensorielle"),
    ],
)
def test_forms_of_a_word_have_one_stem(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


@given(st.text("abcde", min_size=4, max_size=9), st.data())
def test_one_letter_may_be_wrong_missing_added_or_swapped(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 2))
    other = data.draw(st.sampled_from("xyz"))
    for typed in (
        word[:at] + other + word[at + 1 :],
        word[:at] + word[at + 1 :],
        word[:at] + other + word[at:],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    ):
        assert likely(typed, word), typed
        assert likely(typed, word + "fghi"), typed


def test_two_wrong_letters_are_too_many() -> None:
    assert not likely("mxcroxephalie", "microcephalie")


def index(*names: str) -> ConceptIndex:
    concepts = [{"code": f"c{number}", "display": name} for number, name in enumerate(names)]
    system = CodeSystem({"url": "x", "concept": concepts, "language": "fr"})
    return ConceptIndex(system.concepts.values(), "fr", system.is_inactive)


def found(of: ConceptIndex, text: str) -> list[str]:
    return [each.code for each in of.search(text, "fr", 5)]


def test_the_best_match_comes_first() -> None:
    of = index("Anomalie de la taille", "Grande taille", "Taille", "Taille de guêpe")
    assert found(of, "taille") == ["c2", "c3", "c1", "c0"]


def test_all_words_must_be_in_one_name_each_from_its_beginning() -> None:
    of = index("Retard de langage", "Retard de croissance", "Langage absent")
    assert found(of, "lang ret")[0] == "c0"
    assert found(of, "age") == []


def test_an_abbreviation_is_spelt_out() -> None:
    assert found(index("Hypertension artérielle", "Autre chose"), "HTA") == ["c0"]


def test_an_exact_name_has_rank_0() -> None:
    first, second = index("Fièvre", "Fièvre jaune").search("fievre", "fr", 5)
    assert (first.code, first.rank, second.code) == ("c0", 0, "c1")


def test_a_code_is_found_by_itself() -> None:
    assert found(index("Un", "Deux"), "c1")[0] == "c1"


NUMBERS = st.sets(st.integers(0, 40))


@given(NUMBERS, NUMBERS)
def test_spans_are_sets(one: set[int], other: set[int]) -> None:
    mine, theirs = Spans.numbers(one), Spans.numbers(other)
    assert set(mine) == one
    assert (set(mine & theirs), len(mine & theirs)) == (one & other, len(one & other))
    assert (set(mine - theirs), set(mine | theirs)) == (one - other, one | other)
    assert mine & theirs == Spans.numbers(one & other)
    assert Spans.unpacked(mine.packed()) == mine
    assert [number for number in range(42) if number in mine] == sorted(one)


@given(NUMBERS, st.integers(0, 50), st.integers(0, 50))
def test_a_page_of_spans_is_a_slice(numbers: set[int], offset: int, count: int) -> None:
    ordered: Sequence[int] = sorted(numbers)
    assert list(Spans.numbers(numbers).sliced(offset, count)) == ordered[offset : offset + count]
    assert list(all_of(3)) == [0, 1, 2]


@given(NUMBERS, st.integers(1, 9))
def test_parts_of_spans_are_all_of_them_in_order(numbers: set[int], size: int) -> None:
    parts = list(Spans.numbers(numbers).parts(size))
    assert [number for part in parts for number in part] == sorted(numbers)
    assert all(0 < len(part) <= size for part in parts)
