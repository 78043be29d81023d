"""What `_text` and `_content` ask: the language of words.

Source: FHIR R4, Search, "_text, _content", "Escaping Search Parameters".
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.text import query
from fhir_gateway.store.text.query import All, But, No, Phrase, Some, Tree, parse


def word(text: str, open: bool = False) -> Phrase:
    return Phrase((text,), open)


BONE, LIVER, METASTASES = word("bone"), word("liver"), word("metastases")


@pytest.mark.parametrize(
    ("value", "tree"),
    [
        ("bone", BONE),
        ("(bone OR liver) and metastases", All((Some((BONE, LIVER)), METASTASES))),
        ("bone liver", All((BONE, LIVER))),
        ("bone Or liver metastases", Some((BONE, All((LIVER, METASTASES))))),
        ("bone,liver", Some((BONE, LIVER))),
        ("bone liver,metastases", Some((All((BONE, LIVER)), METASTASES))),
        ("not bone", No(BONE)),
        ("liver NOT bone", All((LIVER, No(BONE)))),
        ("liver AND NOT NOT bone", All((LIVER, No(No(BONE))))),
        ("NOT (bone liver)", No(All((BONE, LIVER)))),
        ('"bone liver"', Phrase(("bone", "liver"))),
        ('"and" "OR" "not"', All((word("and"), word("or"), word("not")))),
        ("metast*", word("metast", open=True)),
        ("anti-hl*", Phrase(("anti", "hl"), open=True)),
        ("Métastases", METASTASES),
        ("C50.9", Phrase(("c50", "9"))),
        (r"bone\,liver", Phrase(("bone", "liver"))),
        (r'"bone\, liver"', Phrase(("bone", "liver"))),
        ("2024-02-03", Phrase(("2024", "02", "03"))),
        ("((bone))", BONE),
        ("bone(liver)metastases", All((BONE, LIVER, METASTASES))),
        ("  bone \t liver ", All((BONE, LIVER))),
    ],
)
def test_words_operators_phrases_and_parentheses_are_read(value: str, tree: Tree) -> None:
    assert parse("_text", value) == tree


@pytest.mark.parametrize(
    ("value", "detail", "position"),
    [
        ('bone "liver', "text-quote-unclosed", 6),
        ('bone,"liver,spine"', "text-quote-unclosed", 6),
        ("bone -- liver", "text-wordless", 6),
        ('""', "text-wordless", 1),
        ("*", "text-wordless", 1),
        ("m*tast", "text-star-misplaced", 2),
        ("*tast", "text-star-misplaced", 1),
        ("m*", "text-star-misplaced", 2),
        ("bone OR", "text-operand-missing", 8),
        ("AND bone", "text-operand-missing", 1),
        ("bone,", "text-operand-missing", 6),
        (",bone", "text-operand-missing", 1),
        ("bone NOT", "text-operand-missing", 9),
        ("()", "text-operand-missing", 2),
        ("(bone", "text-parenthesis-unclosed", 1),
        ("(bone,liver)", "text-parenthesis-unclosed", 1),
        ("bone) liver", "text-parenthesis-unopened", 5),
        ("(" * 21 + "bone" + ")" * 21, "text-too-deep", 21),
        ("NOT " * 21 + "bone", "text-too-deep", 81),
        ("   ", "text-operand-missing", 4),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_position(value: str, detail: str, position: int) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse("_text", value)
    first = refusal.value.issues[0]
    assert (first.complaint.detail, first.values["position"]) == (detail, str(position))
    for language in ("en", "fr"):
        assert f"position {position}" in first.text(language)


def test_every_alternative_that_cannot_be_read_is_told() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse("_text", "bone OR, liver), spine")
    details = [issue.complaint.detail for issue in refusal.value.issues]
    assert details == ["text-operand-missing", "text-parenthesis-unopened"]


def test_more_words_than_a_search_may_ask_for_are_refused() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse("_text", " ".join(["bone"] * 251))
    assert [issue.complaint.detail for issue in refusal.value.issues] == ["text-too-many-words"]


# --- every tree, written down and read again

WORDS = st.sampled_from(["bone", "liver", "metastases", "and1", "12", "é".replace("é", "e"), "漢字"])


def trees() -> st.SearchStrategy[Tree]:
    phrases = st.builds(Phrase, st.lists(WORDS, min_size=1, max_size=3).map(tuple))
    opened = st.builds(Phrase, st.just(("metast",)), st.just(True))

    def larger(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        some = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.builds(All, some) | st.builds(Some, some) | st.builds(No, inner)

    return st.recursive(phrases | opened, larger, max_leaves=8)


def written(tree: Tree) -> str:
    match tree:
        case Phrase(words, open):
            return f"{words[0]}*" if open else f'"{" ".join(words)}"'
        case All(parts):
            return " AND ".join(f"({written(part)})" for part in parts)
        case Some(parts):
            return " OR ".join(f"({written(part)})" for part in parts)
        case No(part):
            return f"NOT ({written(part)})"
    raise TypeError(tree)


def holds(tree: Tree, texts: list[tuple[str, ...]]) -> bool:
    """The meaning of a tree, said once more and slowly."""
    match tree:
        case All(parts):
            return all(holds(part, texts) for part in parts)
        case Some(parts):
            return any(holds(part, texts) for part in parts)
        case No(part):
            return not holds(part, texts)
        case But(part, other):
            return holds(part, texts) and not holds(other, texts)
        case Phrase(words, open):
            return any(
                all(
                    text[start + place] == each
                    or (open and place == len(words) - 1 and text[start + place].startswith(each))
                    for place, each in enumerate(words)
                )
                for text in texts
                for start in range(len(text) - len(words) + 1)
            )
    raise TypeError(tree)


TEXTS = st.lists(st.lists(WORDS | st.just("metastatic"), max_size=4).map(tuple), max_size=3)


@given(trees())
def test_a_tree_written_down_is_read_as_it_was(tree: Tree) -> None:
    assert parse("_text", written(tree)) == tree


@given(trees(), TEXTS)
def test_what_an_index_looks_up_means_what_was_asked(tree: Tree, texts: list[tuple[str, ...]]) -> None:
    found, denied = query.found(tree)
    assert holds(found, texts) is not denied if holds(tree, texts) else holds(found, texts) is denied


@given(trees(), TEXTS)
def test_a_line_of_words_passes_when_the_words_do(tree: Tree, texts: list[tuple[str, ...]]) -> None:
    found, _ = query.found(tree)
    line = " _ ".join(" ".join(text) for text in texts)
    assert query.passes(query.line_test(found), "", line) is holds(found, texts)


@given(st.text(max_size=40))
def test_any_value_is_read_or_refused_with_a_position_inside_it(value: str) -> None:
    try:
        tree = parse("_text", value)
    except InvalidRequest as refusal:
        for issue in refusal.issues:
            assert 1 <= int(issue.values["position"]) <= len(value) + 1
    else:
        assert query.number_of_words(tree) >= 1
        assert re.search(r"\w", query.fts5(query.found(tree)[0]))
