"""`_text` and `_content` as criteria of a search.

Source: FHIR R4, Search, "_text, _content".
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.index.condition import Written
from fhir_gateway.store.search.criterion import Criterion, on_set
from fhir_gateway.store.text import complaints, query
from fhir_gateway.store.text.query import number_of_words as number_of_words
from fhir_gateway.store.text.words import type_word

NAMES = ("_text", "_content")

# What was deleted since the index was brought up to date still has its words there.
_SET = (
    "SELECT f.{{words_rid}} AS rid FROM full_text f WHERE {{{found}}}"
    "{{live}} AND {{some}}SELECT 1 FROM resource d WHERE d.rid = f.{{words_rid}} AND d.deleted = 0{{/some}}{{/live}}"
)
_TEST = "SELECT 1 FROM full_text f WHERE f.{{words_rid}} = {{rid}} AND {{{passes}}}"
_SET_TEXTS = {name: _SET.format(found=f"{name[1:]}_found") for name in NAMES}
_TEST_TEXTS = {name: _TEST.format(passes=f"{name[1:]}_passes") for name in NAMES}


def on_words(name: str, code: str, tree: query.Tree, rtypes: Sequence[int] | None) -> Criterion:
    """Return the criterion that the narrative of a resource, or all of it, has the words of a tree.

    name: the parameter as it was asked; code: one of NAMES. rtypes: numbers of the types searched, None for all.
    """
    found, denied = query.found(tree)
    test = Written(query.line_test(found), query.tsquery(found))
    marks = ("none", "/none") if denied else ("some", "/some")
    test_text = f"{{{marks[0]}}}{_TEST_TEXTS[code]}{{{marks[1]}}}"
    if denied and rtypes is None:
        # Nothing leads to all that does not have a word.
        return on_set(name, "", (), test_text, (test,))
    led = _leading(code, found, denied, rtypes)
    return on_set(name, _SET_TEXTS[code], (led,), test_text, (test,))


def _leading(code: str, found: query.Tree, denied: bool, rtypes: Sequence[int] | None) -> Written:
    """Return what the index is asked for: what is found, or what is of these types and is not."""
    fts5, tsquery = query.fts5(found), query.tsquery(found)
    if code == "_text":
        fts5 = f"({{narrative}} : {fts5})"
    if rtypes is None:
        return Written(fts5, tsquery)
    types = [type_word(rtype) for rtype in rtypes]
    any_type = " OR ".join(f'"{each}"' for each in types)
    return Written(
        f"({any_type}) {'NOT' if denied else 'AND'} {fts5}",
        f"({' | '.join(types)}) & {'!' if denied else ''}{tsquery}",
    )


def parse(name: str, modifier: str | None, value: str) -> query.Tree:
    """Return what a value of `_text` or `_content` asks for.

    Raises: InvalidRequest for any modifier, and for what cannot be read.
    """
    if modifier is not None:
        raise InvalidRequest(complaints.MODIFIER.at(name=name))
    return query.parse(name, value)
