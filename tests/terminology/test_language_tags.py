"""Language tags are valid when they are well-formed and all their subtags are registered.

Source: BCP 47 (RFC 5646), 2.1, 2.2.9, appendix A "Examples of Language Tags".
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.terminology.language_tags import is_language, registry

# The examples of appendix A.
EXAMPLES = """
    de fr ja i-enochian zh-Hant zh-Hans sr-Cyrl sr-Latn zh-cmn-Hans-CN cmn-Hans-CN zh-yue-HK yue-HK zh-Hans-CN
    sr-Latn-RS sl-rozaj sl-rozaj-biske sl-nedis de-CH-1901 sl-IT-nedis hy-Latn-IT-arevela de-DE en-US es-419
    de-CH-x-phonebk az-Arab-x-AZE-derbend x-whatever qaa-Qaaa-QM-x-southern de-Qaaa sr-Latn-QM sr-Qaaa-RS
    en-US-u-islamcal zh-CN-a-myext-x-private en-a-myext-b-another
"""


@pytest.mark.parametrize("tag", EXAMPLES.split())
def test_the_examples_of_the_rfc_are_valid_in_any_case(tag: str):
    assert is_language(tag)
    assert is_language(tag.upper())


@pytest.mark.parametrize(
    "tag",
    [
        "de-419-DE",  # two regions
        "a-DE",  # no language
        "ar-a-aaa-b-bbb-a-ccc",  # an extension twice
        "de-1901-1901",  # a variant twice
        "xx", "zzz", "french", "fr-Zzzy", "fr-ZX", "fr-000", "fr-nosuch", "fr-yue", "zh-fra",
        "", "fr-", "-fr", "fr_FR", "fr FR", "fr-x", "x", "frr-u", "Français", "i-nosuch",
    ],
)  # fmt: skip
def test_what_is_malformed_or_not_registered_is_no_language(tag: str):
    assert not is_language(tag)


def test_the_registry_holds_ranges_whole():
    known = registry()
    assert {"qaa", "qaz", "qba", "qtz"} <= known.languages
    assert {"qaaa", "qabx"} <= known.scripts
    assert {"qm", "qz", "xa", "xz", "aa", "zz", "419"} <= known.regions
    assert len(known.languages) > 8000


@given(st.text(max_size=60) | st.from_regex(r"[a-z]{2,3}(-[A-Za-z0-9]{1,8}){0,6}", fullmatch=True))
def test_any_text_gets_an_answer_whatever_its_case(text: str):
    if text.isascii():
        assert is_language(text) == is_language(text.swapcase())
    else:
        assert not is_language(text)
