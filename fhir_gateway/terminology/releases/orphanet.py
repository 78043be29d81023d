"""The Orphanet nomenclature of rare diseases: the files of the nomenclature pack, as XML or JSON, in any languages.

The language of the first file is that of the displays; names in the languages of others are designations. Files of the
classifications, where they are given, bring the hierarchy.

Source: Orphanet, "Nomenclature pack", user guide; Orphadata, "Linearisation", "Classifications".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.terminology.releases import complaints
from fhir_gateway.terminology.releases.files import File, json_of, malformed
from fhir_gateway.terminology.releases.release import Declaration, Faults, Name, Place, Property, Release, Released
from fhir_gateway.terminology.releases.xml_tree import Element, elements

URL = "http://www.orpha.net"
_DECLARATIONS: Sequence[Declaration] = (
    {"code": "parent", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"},
    {"code": "inactive", "uri": "http://hl7.org/fhir/concept-properties#inactive", "type": "boolean"},
    {"code": "status", "description": "Status as Orphanet tells it", "type": "string"},
    {"code": "classificationLevel", "description": "Group of disorders, disorder or subtype", "type": "string"},
    {"code": "disorderType", "description": "Typology of the disorder", "type": "string"},
    {"code": "replacedBy", "description": "The code to use instead", "type": "code"},
)


@dataclass(slots=True)
class _Disorder:
    place: Place
    language: str
    display: str
    names: list[Name] = field(default_factory=list)
    properties: list[Property] = field(default_factory=list)
    definition: str | None = None
    parents: list[str] = field(default_factory=list)
    inactive: bool = False


def read(files: Sequence[File], version: str | None) -> Release:
    """Return the nomenclature. Raises: Unprocessable."""
    sources = [file for file in files if file.name.casefold().endswith((".xml", ".json"))]
    faults = Faults()
    disorders: dict[str, _Disorder] = {}
    edges: list[tuple[str, str, Place]] = []
    said = ""
    for source in sources:
        own: dict[str, Place] = {}
        for element in _elements(source):
            if element.name == "JDBOR":
                said = max(said, element.attributes.get("date", "")[:10])
            elif element.name == "ClassificationNode":
                _edges(source, element, edges)
            else:
                _disorder(source, element, disorders, own, faults)
    if not disorders:
        raise Unprocessable(*faults.issues or [_none(files)])
    for parent, child, place in edges:
        if child not in disorders:
            faults.add(complaints.CODE_UNKNOWN.at(file=place.file, line=place.line, code=child))
        elif parent not in disorders[child].parents:
            disorders[child].parents.append(parent)
    faults.settle()
    if not (version or said):
        raise Unprocessable(complaints.VERSION_ABSENT.at(file=sources[0].name))
    language = next(iter(disorders.values())).language
    return Release(
        URL, version or said, "Orphanet nomenclature of rare diseases", language, _concepts(disorders, language),
        declarations=_DECLARATIONS, copyright="Orphanet, © INSERM, CC BY 4.0, https://www.orphadata.com/",
    )  # fmt: skip


def _none(files: Sequence[File]) -> Any:
    if files:
        return complaints.NO_CONCEPTS.at(file=files[0].name)
    return complaints.FILE_ABSENT.at(what="Orphanet", pattern="ORPHAnomenclature_*.xml, .json")


def _elements(source: File) -> Iterator[Element]:
    if source.name.casefold().endswith(".xml"):
        return elements(source, "Disorder", "ClassificationNode")
    return _json_elements(source)


def _json_elements(source: File) -> Iterator[Element]:
    """Yield the elements that the JSON form stands for: an object of lists for each name; a name in a language has its
    text as "label".
    """
    document = json_of(source)
    root = _element("", document, 0)
    for jdbor in root.all("JDBOR"):
        yield Element("JDBOR", jdbor.attributes, 1)
        for number, disorder in enumerate(jdbor.all("DisorderList", "Disorder"), start=1):
            disorder.line = number
            yield disorder
        yield from jdbor.all("ClassificationList", "Classification", "ClassificationNodeRootList", "ClassificationNode")


def _element(name: str, value: Any, line: int) -> Element:
    made = Element(name, {}, line)
    if not isinstance(value, dict):
        made.text = "" if value is None else str(value)
        return made
    for key, held in value.items():
        if key == "label":
            made.text = str(held)
        elif isinstance(held, list):
            made.children += [_element(key, each, line) for each in held]
        elif isinstance(held, dict):
            made.children.append(_element(key, held, line))
        else:
            made.attributes[key] = str(held)
            made.children.append(_element(key, held, line))
    return made


def _disorder(
    source: File, element: Element, disorders: dict[str, _Disorder], own: dict[str, Place], faults: Faults
) -> None:
    code = element.text_at("OrphaCode")
    name = element.first("Name")
    place = Place(source.name, element.line)
    if not code.isdigit() or name is None or not name.text.strip():
        reason = f"a disorder needs an OrphaCode and a Name; here '{code}'"
        reason_fr = f"une maladie a un OrphaCode et un Name ; ici « {code} »"
        faults.add(malformed(source, element.line, reason, reason_fr))
        return
    if code in own:
        first = own[code].line
        faults.add(complaints.DUPLICATE.at(file=source.name, line=element.line, code=code, first=first))
        return
    own[code] = place
    language = name.attributes.get("lang", "en")
    synonyms: list[Name] = [
        (each.attributes.get("lang", language), "synonym", each.text.strip())
        for each in element.all("SynonymList", "Synonym")
        if each.text.strip()
    ]
    known = disorders.get(code)
    if known is not None:
        known.names += [(language, "display", name.text.strip()), *synonyms]
        return
    made = disorders[code] = _Disorder(place, language, name.text.strip(), synonyms)
    status = element.text_at("Totalstatus")
    made.inactive = status.casefold().startswith("inactive")
    for value, property in (
        (status, "status"),
        (element.text_at("ClassificationLevel", "Name"), "classificationLevel"),
        (element.text_at("DisorderType", "Name"), "disorderType"),
    ):
        if value:
            made.properties.append((property, "string", value))
    if made.inactive:
        made.properties += [
            ("replacedBy", "code", target.text.strip())
            for target in element.all(
                "DisorderDisorderAssociationList", "DisorderDisorderAssociation", "TargetDisorder", "OrphaCode"
            )
        ]
    summary = element.text_at(
        "SummaryInformationList", "SummaryInformation", "TextSectionList", "TextSection", "Contents"
    )
    made.definition = summary or None


def _edges(source: File, node: Element, edges: list[tuple[str, str, Place]]) -> None:
    pending = [node]
    while pending:
        each = pending.pop()
        above = each.text_at("Disorder", "OrphaCode")
        for child in each.all("ClassificationNodeChildList", "ClassificationNode"):
            edges.append((above, child.text_at("Disorder", "OrphaCode"), Place(source.name, child.line)))
            pending.append(child)


def _concepts(disorders: dict[str, _Disorder], language: str) -> Iterator[Released]:
    for code, each in disorders.items():
        # A disorder that is only in files of other languages has its name as designation alone.
        names = each.names if each.language == language else [(each.language, "display", each.display), *each.names]
        yield Released(
            code, each.display, each.definition, names, each.properties, each.parents, each.inactive, each.place
        )
