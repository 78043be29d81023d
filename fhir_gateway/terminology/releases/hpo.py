"""The Human Phenotype Ontology: hp.obo or hp.json, and its French translation as a supplement.

The translation is two tables: labels and definitions ("babelon"), and synonyms. Synonyms that are not translated are
passed over; those that a translator proposed (CANDIDATE) are synonyms like the official ones.

Source: OBO Flat File Format 1.4; OBO Graphs (JSON); Babelon, "Columns"; HPO, "Downloads".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.terminology.releases import complaints
from fhir_gateway.terminology.releases.files import NO_END, File, json_of, lines, malformed, tab_rows, truncated
from fhir_gateway.terminology.releases.release import Declaration, Faults, Name, Place, Property, Release, Released

URL = "http://human-phenotype-ontology.org"
TITLE = "Human Phenotype Ontology"
COPYRIGHT = "Human Phenotype Ontology, © the HPO consortium, https://human-phenotype-ontology.org/"
_DECLARATIONS: Sequence[Declaration] = (
    {"code": "parent", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"},
    {"code": "inactive", "uri": "http://hl7.org/fhir/concept-properties#inactive", "type": "boolean"},
    {"code": "alternate", "description": "An id that was merged into this one", "type": "code"},
    {"code": "replacedBy", "description": "The term to use instead", "type": "code"},
    {"code": "consider", "description": "A term that may be used instead", "type": "code"},
    {"code": "xref", "description": "The same in another terminology", "type": "string"},
    {"code": "subset", "description": "A subset of the ontology that it belongs to", "type": "code"},
)
_CODE = re.compile(r"HP:\d{7}")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "W": " "}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def read(files: Sequence[File], version: str | None) -> Release:
    """Return the ontology, or its French translation when only files of that are given.

    Raises: Unprocessable.
    """
    sources = [file for file in files if file.name.endswith((".obo", ".json"))]
    translations = [file for file in files if file.name.endswith(".tsv")]
    if sources:
        source = sources[0]
        return _from_json(source, version) if source.name.endswith(".json") else _from_obo(source, version)
    if translations:
        return _translation(translations, version)
    raise Unprocessable(complaints.FILE_ABSENT.at(what=TITLE, pattern="hp.obo, hp.json, hp-fr.babelon.tsv"))


def _release(source: File, said: str | None, version: str | None, concepts: Iterator[Released]) -> Release:
    dated = _DATE.search(said or "")
    version = version or (dated[0] if dated else None)
    if version is None:
        raise Unprocessable(complaints.VERSION_ABSENT.at(file=source.name))
    return Release(
        URL, version, TITLE, "en", concepts, declarations=_DECLARATIONS, copyright=COPYRIGHT,
        value_set="http://human-phenotype-ontology.org/vs",
    )  # fmt: skip


# --- OBO


def _from_obo(source: File, version: str | None) -> Release:
    said = None
    for line in lines(source):
        if line.startswith("["):
            break
        if line.startswith("data-version:"):
            said = line
    return _release(source, said, version, _terms(source))


def _terms(source: File) -> Iterator[Released]:
    faults = Faults()
    stanza: list[tuple[str, str]] | None = None  # of a term
    begun, number, line = 0, 0, "\n"
    for number, line in enumerate(lines(source), start=1):
        text = line.rstrip()
        if text.startswith("["):
            if stanza is not None:
                yield from _term(source, begun, stanza, faults)
            stanza, begun = ([] if text == "[Term]" else None), number
        elif text and stanza is not None and not text.startswith("!"):
            tag, colon, value = text.partition(": ")
            if not colon:
                reason = (
                    f"'{text[:60]}' is no tag with a value",
                    f"« {text[:60]} » n'est pas une étiquette avec une valeur",
                )
                faults.add(malformed(source, number, *reason))
            stanza.append((tag, value))
    if not line.endswith("\n"):
        raise truncated(source, number, *NO_END)
    if stanza is not None:
        yield from _term(source, begun, stanza, faults)
    faults.settle()


def _term(source: File, line: int, stanza: list[tuple[str, str]], faults: Faults) -> Iterator[Released]:
    code = next((value for tag, value in stanza if tag == "id"), "")
    label = next((_unescaped(value) for tag, value in stanza if tag == "name"), None)
    if _CODE.fullmatch(code) is None or label is None:
        if code.startswith("HP:") or not code:
            told = (
                f"a term needs an id HP:nnnnnnn and a name; here '{code}', '{label or ''}'",
                f"un terme a un identifiant HP:nnnnnnn et un nom ; ici « {code} », « {label or ''} »",
            )
            faults.add(malformed(source, line, *told))
        return  # terms of other ontologies may stand beside
    names: list[Name] = []
    properties: list[Property] = []
    parents: list[str] = []
    definition = None
    inactive = False
    for tag, value in stanza:
        if tag == "synonym":
            quoted = _QUOTED.match(value)
            if quoted is None:
                reason = (
                    f"{code}: a synonym without a closing quotation mark",
                    f"{code} : un synonyme sans guillemet fermant",
                )
                faults.add(malformed(source, line, *reason))
            else:
                names.append(("en", "synonym", _unescaped(quoted[1])))
        elif tag == "def":
            quoted = _QUOTED.match(value)
            definition = _unescaped(quoted[1]) if quoted else None
        elif tag == "is_a":
            parents.append(value.partition(" ")[0])
        elif tag == "is_obsolete":
            inactive = value == "true"
        elif tag in _TAGS:
            name, type_ = _TAGS[tag]
            properties.append((name, type_, value.partition(" ")[0]))
    yield Released(code, label, definition, names, properties, parents, inactive, Place(source.name, line))


_TAGS = {
    "alt_id": ("alternate", "code"),
    "replaced_by": ("replacedBy", "code"),
    "consider": ("consider", "code"),
    "xref": ("xref", "string"),
    "subset": ("subset", "code"),
}


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), text) if "\\" in text else text


# --- OBO Graphs


def _from_json(source: File, version: str | None) -> Release:
    document = json_of(source)
    graphs = document.get("graphs") if isinstance(document, dict) else None
    if not graphs:
        reason = (
            "there are no graphs: it is no OBO Graphs document",
            "il n'y a pas de graphs : ce n'est pas un OBO Graphs",
        )
        raise Unprocessable(malformed(source, 1, *reason))
    graph = graphs[0]
    said = graph.get("meta", {}).get("version")
    return _release(source, said, version, _sound_nodes(source, graph))


def _sound_nodes(source: File, graph: dict[str, Any]) -> Iterator[Released]:
    number = 0
    try:
        for each in _nodes(source, graph):
            number += 1
            yield each
    except (KeyError, TypeError, AttributeError) as error:
        reason = f"the node after term {number} is not as OBO Graphs has it ({error})"
        reason_fr = f"le nœud qui suit le terme {number} n'est pas conforme à OBO Graphs ({error})"
        raise Unprocessable(malformed(source, number + 1, reason, reason_fr)) from error


def _nodes(source: File, graph: dict[str, Any]) -> Iterator[Released]:
    parents: dict[str, list[str]] = {}
    for edge in graph.get("edges", ()):
        if edge.get("pred") == "is_a":
            parents.setdefault(_curie(edge["sub"]), []).append(_curie(edge["obj"]))
    for number, node in enumerate(graph.get("nodes", ()), start=1):
        code = _curie(node["id"])
        if _CODE.fullmatch(code) is None or node.get("type") != "CLASS":
            continue
        meta = node.get("meta", {})
        inactive = meta.get("deprecated") is True
        if "lbl" not in node:
            raise Unprocessable(malformed(source, number, f"{code} has no label", f"{code} n'a pas de libellé"))
        properties: list[Property] = [("xref", "string", each["val"]) for each in meta.get("xrefs", ())]
        for each in meta.get("basicPropertyValues", ()):
            name = _PREDICATES.get(each["pred"].rpartition("/")[2].rpartition("#")[2])
            if name is not None:
                properties.append((name, "code", _curie(each["val"])))
        properties += [("subset", "code", each.rpartition("#")[2]) for each in meta.get("subsets", ())]
        names: list[Name] = [("en", "synonym", each["val"]) for each in meta.get("synonyms", ())]
        yield Released(
            code, node["lbl"], meta.get("definition", {}).get("val"), names, properties, parents.get(code, ()),
            inactive, Place(source.name, number),
        )  # fmt: skip


_PREDICATES = {"hasAlternativeId": "alternate", "IAO_0100001": "replacedBy", "consider": "consider"}


def _curie(iri: str) -> str:
    return iri.rpartition("/")[2].replace("_", ":", 1) if iri.startswith("http") else iri


# --- the French translation

_BABELON = ("subject_id", "predicate_id", "translation_status", "translation_value", "translation_language")
_SYNONYMS = ("subject_id", "translation_value", "Status")


def _translation(sources: Sequence[File], version: str | None) -> Release:
    if version is None:
        raise Unprocessable(*(complaints.VERSION_ABSENT.at(file=source.name) for source in sources))
    return Release(
        f"{URL}/fr", version, "Human Phenotype Ontology, traduction française", "fr", _translated(sources),
        supplements=URL, copyright=COPYRIGHT,
    )  # fmt: skip


def _translated(sources: Sequence[File]) -> Iterator[Released]:
    faults = Faults()
    labels: dict[str, str] = {}
    places: dict[str, Place] = {}
    names: dict[str, dict[Name, None]] = {}
    for source in sources:
        babelon = "babelon" in source.name
        for number, row in tab_rows(source, faults, _BABELON if babelon else _SYNONYMS, "HPO translation"):
            code, text = row["subject_id"], row["translation_value"].strip()
            status = row["translation_status" if babelon else "Status"]
            if code == "ID" or not text or status == "NOT_TRANSLATED":
                continue  # the second line of the synonyms says what the columns are to a tool
            if _CODE.fullmatch(code) is None:
                reason = f"'{code}' is no id HP:nnnnnnn", f"« {code} » n'est pas un identifiant HP:nnnnnnn"
                faults.add(malformed(source, number, *reason))
                continue
            places.setdefault(code, Place(source.name, number))
            if babelon and row["predicate_id"] == "rdfs:label" and code not in labels:
                labels[code] = text
                continue
            if babelon and row["predicate_id"] != "rdfs:label":
                names.setdefault(code, {}).setdefault(("fr", "definition", text), None)
                continue
            # Of some terms all synonyms stand in one cell, with bars between.
            for each in filter(None, map(str.strip, text.split("|"))):
                names.setdefault(code, {}).setdefault(("fr", "synonym", each), None)
    faults.settle()
    for code in sorted(places):
        label = labels.get(code)
        own = [name for name in names.get(code, ()) if name[2] != label]
        yield Released(code, label, None, own, (), (), False, places[code])
