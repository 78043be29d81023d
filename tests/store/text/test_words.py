"""Words and texts: what of a resource is found, and what is not.

Source: FHIR R4, Search, "_text, _content"; Narrative.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.store.text import words as module
from fhir_gateway.store.text.extraction import narrative_texts, texts_of
from fhir_gateway.store.text.words import Laid, lay, type_word, vector, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Métastases hépatiques", ("metastases", "hepatiques")),
        ("L'Œuvre n° 12-B", ("l", "oeuvre", "n", "12", "b")),
        ("STRASSE Straße", ("strasse", "strasse")),
        ("snake_case", ("snake", "case")),
        ("2024-02-03", ("2024", "02", "03")),
        ("2024-02-03T10:30:00Z", ("2024", "02", "03", "10", "30", "00z")),
        ("— … !", ()),
        ("a" * 300, ("a" * 255,)),
    ],
)
def test_a_word_is_a_run_of_letters_and_digits_without_case_and_accents(text: str, found: tuple[str, ...]) -> None:
    assert words(text) == found


@given(st.text(max_size=200))
def test_no_word_has_a_sign_that_an_engine_would_read(text: str) -> None:
    for word in words(text):
        assert word.isalnum()
        assert not set(word) & set("_ :'\"\\*()&|!<>\x00")
        assert len(word) <= 255


@pytest.mark.parametrize(
    ("div", "texts"),
    [
        ("<div>bone</div>", ["bone"]),
        ('<div xmlns="http://www.w3.org/1999/xhtml" title="hidden > here">bone</div>', ["bone"]),
        ("<div><p>bone</p><p>liver</p></div>", ["bone", "liver"]),
        ("<div>bone<br/>liver</div>", ["bone", "liver"]),
        ("<div><b>meta</b>stases</div>", ["metastases"]),
        ("<div>bone <!-- hidden <b> --> liver</div>", ["bone  liver"]),
        ("<div>m&eacute;tastases &#233;t&#xE9; 3 &lt; 4 &amp; 5</div>", ["métastases été 3 < 4 & 5"]),
        ("<div><![CDATA[a <b> c]]></div>", ["a <b> c"]),
        ("<div>&lt;b&gt;shown&lt;/b&gt;</div>", ["<b>shown</b>"]),
        ("<div><?hidden x?>bone</div>", ["bone"]),
        ("<div><img alt='hidden'/>bone</div>", ["bone"]),
        ("<div>bone <p", ["bone "]),
        ("<div>3 < 4</div>", ["3 < 4"]),
    ],
)
def test_a_narrative_is_what_a_person_reads(div: str, texts: list[str]) -> None:
    assert narrative_texts(div) == texts


def test_a_long_narrative_without_ends_is_read_in_one_pass() -> None:
    assert narrative_texts('<a "' * 200_000) == []
    assert len(narrative_texts("<a<" * 100_000 + "bone")) <= 1


def test_values_are_text_and_ids_systems_references_and_bytes_are_not() -> None:
    resource = {
        "resourceType": "Observation",
        "id": "hidden-id",
        "meta": {"versionId": "1", "lastUpdated": "2024-01-01T00:00:00Z", "profile": ["http://hidden"]},
        "text": {"status": "generated", "div": "<div>read by people</div>"},
        "contained": [{"resourceType": "Patient", "id": "p", "text": {"div": "<div>inner</div>"}}],
        "extension": [{"url": "http://hidden", "valueString": "extended"}],
        "status": "final",
        "code": {"coding": [{"system": "http://hidden", "code": "8867-4", "display": "Heart rate"}]},
        "subject": {"reference": "Patient/hidden", "display": "Someone"},
        "identifier": [{"system": "http://hidden", "value": "ID-7"}],
        "effectiveDateTime": "2024-02-03",
        "valueQuantity": {"value": 72, "unit": "beats"},
        "note": [{"text": "well"}],
        "_status": {"extension": [{"url": "http://hidden", "valueCode": "shadow"}]},
    }
    narrative, rest = texts_of(resource)
    assert narrative == ["read by people"]
    assert rest == [
        "inner", "extended", "final", "8867-4", "Heart rate", "Someone", "ID-7", "2024-02-03", "beats", "well",
        "shadow",
    ]  # fmt: skip


def test_a_url_is_text_where_it_is_the_value_of_a_resource() -> None:
    assert texts_of({"resourceType": "ValueSet", "url": "http://x/y"})[1] == ["http://x/y"]


# --- as they are laid down


def test_texts_are_laid_down_once_with_something_between_them() -> None:
    narrative, rest = lay(["bone liver", "bone liver"], ["spine", "!"])
    assert narrative.as_line() == "bone liver"
    assert rest.as_line() == "spine"
    assert Laid([("bone", "liver"), ("spine",)]).as_line() == "bone liver _ spine"
    assert vector([type_word(7)], narrative, rest) == "_7 bone:1 liver:2 spine:4"


def test_a_word_beyond_its_255th_place_is_in_no_further_phrase() -> None:
    texts = [f"bone w{number}" for number in range(300)]
    _, rest = lay([], texts)
    assert ("bone", "w254") in rest.texts
    assert ("bone", "w255") not in rest.texts
    assert ("w299",) in rest.texts
    assert max(len(entry.split(",")) for entry in vector([], rest).split(" ")) == 255


def test_words_beyond_the_last_place_stand_alone() -> None:
    narrative, rest = lay([" ".join(f"w{number}" for number in range(16_382))], ["late words late w7"])
    assert narrative.texts[0][-1] == "w16381"
    assert (rest.texts, rest.alone) == ([], ["late", "words"])
    assert vector([], narrative, rest).endswith("w16381:16382 late words")


def test_what_comes_after_a_million_bytes_of_words_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BYTES", 3_000)
    _, rest = lay([], [f"word{number:04}" for number in range(400)])
    line = rest.as_line()
    assert "word0100" in line
    assert "word0399" not in line
