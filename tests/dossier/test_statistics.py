"""Statistics tell nothing of few: no cell under the threshold is shown, and none can be derived from what is.

Source: Hundepool et al., Statistical Disclosure Control; `fhir_gateway/dossier/masking.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.masking import THRESHOLD, masked
from fhir_gateway.dossier.statistics import Case, Delay, Group, case_of, statistics
from tests.dossier.family import NOW, changed, dossier_of, trio

# --- masking


def worlds(told: Mapping[str, int | None], total: int) -> Iterator[dict[str, int]]:
    """Every way in which the masked cells can add up to what the total leaves of them."""
    hidden = [key for key, count in told.items() if count is None]
    left = total - sum(count for count in told.values() if count is not None)
    for cuts in itertools.combinations(range(1, left), len(hidden) - 1):
        parts = [high - low for low, high in itertools.pairwise((0, *cuts, left))]
        yield {
            **{key: count for key, count in told.items() if count is not None},
            **dict(zip(hidden, parts, strict=True)),
        }


def values(told: Mapping[str, int | None], total: int, threshold: int) -> dict[str, set[int]]:
    """The values a masked cell may have for somebody who knows the total, the visible cells and how masking works."""
    found: dict[str, set[int]] = {key: set() for key, count in told.items() if count is None}
    for world in worlds(told, total):
        if masked(world, threshold) == told:
            for key in found:
                found[key].add(world[key])
    return found


breakdowns = st.lists(st.integers(0, 9), min_size=1, max_size=5).map(
    lambda each: {f"c{n}": v for n, v in enumerate(each)}
)


@settings(max_examples=80, deadline=None)
@given(breakdowns, st.integers(2, 5))
def test_whoever_knows_total_cells_and_method_is_left_with_two_values_or_more_for_each_masked_cell(counts, threshold):
    told = masked(counts, threshold)
    if told is not None and None in told.values():
        assert all(len(each) >= 2 for each in values(told, sum(counts.values()), threshold).values())


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 60), max_size=12))
def test_no_cell_under_the_threshold_is_shown_and_no_hidden_sum_either(counts):
    told = masked(counts)
    if told is None:
        return
    assert all(count is None or count >= THRESHOLD for count in told.values())
    assert all(count in (None, counts[key]) for key, count in told.items())
    hidden = [counts[key] for key, count in told.items() if count is None]
    assert not hidden or (len(hidden) >= 2 and sum(hidden) >= THRESHOLD)


@given(st.dictionaries(st.text(max_size=3), st.integers(11, 60), max_size=12))
def test_where_nothing_is_small_nothing_is_masked(counts):
    assert masked(counts) == counts


def test_one_small_cell_takes_the_smallest_other_with_it():
    assert masked({"a": 40, "b": 12, "c": 3}) == {"a": 40, "b": None, "c": None}


def test_two_small_cells_whose_sum_is_small_take_a_third():
    assert masked({"a": 40, "b": 12, "c": 3, "d": 2}) == {"a": 40, "b": None, "c": None, "d": None}


def test_small_cells_that_hide_each_other_take_none():
    assert masked({"a": 40, "b": 9, "c": 8}) == {"a": 40, "b": None, "c": None}


def test_a_sum_that_leaves_one_way_only_takes_another_cell():
    assert masked({"a": 40, "b": 10, "c": 10}) == {"a": None, "b": None, "c": None}


def test_where_masking_cannot_hide_the_whole_breakdown_is_withheld():
    assert masked({"a": 3}) is None
    assert masked({f"c{n}": 1 for n in range(11)}) is None


# --- statistics


def case(group: Group = "constitutionnel", code: str = "F-01", platform: str = "seqoia", etape: str = "rendu",
         month: str = "2026-01", **delays: int) -> Case:  # fmt: skip
    return Case(group, code, platform, etape, month, delays)


def test_too_few_dossiers_tell_nothing_at_all():
    told = statistics([case()] * 10)
    assert told.total is None
    assert (told.groups, told.platforms, told.steps, told.months) == (None, None, None, None)
    assert told.preindications == {}
    assert told.delays == {}


def test_groups_have_their_share_and_the_delays_of_20_50_and_80_in_100():
    cases = [case(restitution=days) for days in range(1, 81)] + [case("cancer", "F-82", restitution=45)] * 20
    told = statistics(cases)
    assert told.groups is not None
    constitutional, cancer = told.groups[1], told.groups[0]
    assert (constitutional.key, constitutional.count, constitutional.share) == ("constitutionnel", 80, 80.0)
    assert (cancer.key, cancer.count, cancer.share) == ("cancer", 20, 20.0)
    assert constitutional.delays["restitution"] == Delay(median=40, p20=16, p80=64)
    assert cancer.delays["restitution"] == Delay(45, 45, 45)


def test_delays_are_told_of_eleven_or_more_only_and_never_of_how_many():
    told = statistics([case(rcp=5)] * 30 + [case(rcp=5, restitution=90)] * 10)
    assert set(told.delays) == {"rcp"}


def test_a_masked_cell_tells_nothing_but_its_name():
    told = statistics([case(rcp=5)] * 30 + [case(platform="auragen", rcp=700)] * 5)
    assert told.platforms is not None
    assert [(cell.key, cell.count, cell.share, dict(cell.delays)) for cell in told.platforms] == [
        ("auragen", None, None, {}),
        ("seqoia", None, None, {}),
    ]


def test_preindications_of_a_masked_group_are_withheld_with_it():
    told = statistics([case(code="F-01")] * 20 + [case(code="F-02")] * 20 + [case("cancer", "F-82")] * 3)
    assert told.groups is not None
    assert {cell.count for cell in told.groups} == {None}
    assert told.preindications == {"cancer": None, "constitutionnel": None}


def test_visible_preindications_add_up_to_their_group():
    told = statistics([case(code="F-01")] * 20 + [case(code="F-02")] * 15 + [case("cancer", "F-82")] * 30)
    cells = told.preindications["constitutionnel"]
    assert cells is not None
    assert [(cell.key, cell.count) for cell in cells] == [("F-01", 20), ("F-02", 15)]


cases = st.lists(
    st.builds(
        Case,
        st.sampled_from(["constitutionnel", "cancer"]),
        st.sampled_from(["F-01", "F-02", "F-03"]),
        st.sampled_from(["seqoia", "auragen"]),
        st.sampled_from(["rendu", "clos", "attente-rcp"]),
        st.sampled_from(["2026-01", "2026-02"]),
        st.just({}),
    ),
    max_size=20,
)


@settings(max_examples=40, deadline=None)
@given(cases, st.integers(2, 4))
def test_no_masked_cell_of_any_breakdown_follows_from_the_totals(held, threshold):
    told = statistics(held, threshold)
    breakdowns = [
        (told.groups, told.total),
        (told.platforms, told.total),
        (told.steps, told.total),
        (told.months, told.total),
    ]
    sizes = {cell.key: cell.count for cell in told.groups or ()}
    breakdowns += [(cells, sizes.get(group)) for group, cells in told.preindications.items()]
    for cells, total in breakdowns:
        if cells is None:
            continue
        assert total is not None
        counts = {cell.key: cell.count for cell in cells}
        assert all(count is None or count >= threshold for count in counts.values())
        if None in counts.values():
            assert all(len(each) >= 2 for each in values(counts, total, threshold).values())


# --- from a dossier


def test_a_case_of_a_dossier_holds_no_person_and_no_number():
    told = case_of(dossier_of(trio("active")), NOW)
    assert told == Case(
        "constitutionnel", "F-45", "auragen", "dossier-valide", "2026-01", {"rcp": 5, "consentement": 10}
    )


@pytest.mark.parametrize(("code", "first"), [("F-50", "F-49"), ("F-72", "F-69"), ("F-01", "F-01")])
def test_all_holders_of_a_preindication_count_as_one(code: str, first: str):
    family = changed(trio(), "order-0", reasonCode=[concept(codes.PREINDICATION, code)])
    assert case_of(dossier_of(family), NOW).preindication == first
