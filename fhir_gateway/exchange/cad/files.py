"""The data files of a dossier: whose they are, where they lie in the folder of a deposit, what they must be.

Files are announced, with SHA-256 and size; who produced them lays them down. Only a file whose content stands in the
dossier itself (Attachment.data) is carried.

Source: reference: CAD message, layout; profiles/pfmg, pfmg-document-reference; EDAM, NCI Thesaurus (formats).
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from fhir_gateway.exchange.cad import complaints
from fhir_gateway.exchange.pedigree.gathered import Gathered, Resource
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.outcome import Issue

DIGEST: Final = f"{CANONICAL_BASE}/StructureDefinition/empreinte-sha256"
SIZE: Final = f"{CANONICAL_BASE}/StructureDefinition/taille-octets"
CATEGORY: Final = f"{CANONICAL_BASE}/CodeSystem/pfmg-document"
EDAM: Final = "http://edamontology.org"
NCIT: Final = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
_HEX = re.compile(r"[0-9a-f]{64}")


class Format(NamedTuple):
    """A format as the collector names it."""

    system: str
    code: str
    display: str


# By the ending of a name, the longest first; those that GIP-CAD's client sends.
FORMATS: Final[Mapping[str, Format]] = {
    ".tar.gz": Format(EDAM, "format_3981", "TAR"),
    ".vcf": Format(EDAM, "format_3016", "VCF"),
    ".bam": Format(EDAM, "format_2572", "BAM"),
    ".bai": Format(EDAM, "format_3327", "BAM Index"),
    ".cram": Format(EDAM, "format_3462", "CRAM"),
    ".crai": Format(NCIT, "C192224", "CRAI File"),
}
_BY_CODE: Final = {(each.system, each.code): each for each in FORMATS.values()}


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of a deposit. `path`: below the folder of the dossier; `size`: bytes, None where nobody said; `data`: its
    content where the dossier holds it; `source`: what stands for it in the message.
    """

    path: str
    sha256: str
    size: int | None
    data: bytes | None
    source: Resource


def is_fit(name: str) -> bool:
    """Return whether a text can name a file or folder: no way out of the folder, nothing that FTP would misread."""
    return _NAME.fullmatch(name) is not None


def files_of(
    key: str, folder: str, requests: Mapping[str, str], gathered: Gathered, issues: list[Issue]
) -> Iterator[DataFile]:
    """Yield the data files of a person, in the order of their paths; those of several people of the dossier lie at its
    root.

    `folder`: of the person; `requests`: keys of the dossier's requests, each with whom it is for.
    """
    found = []
    for place, each in gathered.about("DocumentReference", "subject", key):
        if _is_data(each) and is_of(each.get("context", {}).get("related", ()), requests, gathered):
            found.append(_file(each, place, _folder(each, folder, requests, gathered), issues))
    yield from sorted((each for each in found if each is not None), key=lambda each: each.path)


def is_of(references: Iterable[Mapping[str, Any]], requests: Collection[str], gathered: Gathered) -> bool:
    """Return whether what names these is of a dossier: of one of its requests, or of no dossier in particular."""
    keys = [key for key in map(gathered.key, references) if key is not None and "/ServiceRequest/" in f"/{key}"]
    return not keys or any(key in requests for key in keys)


def _is_data(document: Resource) -> bool:
    codings = (coding for concept in document.get("category", ()) for coding in concept.get("coding", ()))
    is_data = any(each.get("system") == CATEGORY and each.get("code") == "donnees" for each in codings)
    return is_data and document.get("status") == "current"


def _folder(document: Resource, folder: str, requests: Mapping[str, str], gathered: Gathered) -> str:
    related = (gathered.key(each) for each in document.get("context", {}).get("related", ()))
    people = {requests[each] for each in related if each is not None and each in requests}
    return "" if len(people) > 1 else f"{folder}/"


def _file(document: Resource, place: str, folder: str, issues: list[Issue]) -> DataFile | None:
    content: Mapping[str, Any] = next(iter(document.get("content", ())), {})
    attachment = content.get("attachment", {})
    at = f"{place}.content[0].attachment"
    name = str(attachment.get("title") or unquote(urlsplit(str(attachment.get("url", ""))).path).rpartition("/")[2])
    if not is_fit(name):
        issues.append(complaints.NAME_UNFIT.at(at, name=name or place))
        return None
    format = _format(content.get("format", {}), name)
    if format is None:
        issues.append(complaints.FORMAT_UNKNOWN.at(at, file=name, known=", ".join(FORMATS)))
        return None
    data = b64decode(attachment["data"]) if "data" in attachment else None
    told = {each.get("url"): each for each in attachment.get("extension", ())}
    digest = str(told.get(DIGEST, {}).get("valueString", ""))
    if data is not None:
        counted = sha256(data).hexdigest()
        if digest and digest != counted:
            issues.append(complaints.DIGEST_DIFFERS.at(at, file=name))
        digest = counted
    if _HEX.fullmatch(digest) is None:
        issues.append(complaints.NO_DIGEST.at(at, file=name))
        return None
    size = told.get(SIZE, {}).get("valueDecimal", attachment.get("size"))
    bytes_ = len(data) if data is not None else None if size is None else int(size)
    source: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "content": [
            {
                "attachment": {"title": folder + name, "extension": [{"url": DIGEST, "valueString": digest}]},
                "format": format._asdict(),
            }
        ],
    }
    if "date" in document:
        source["date"] = document["date"]
    return DataFile(folder + name, digest, bytes_, data, source)


def _format(told: Mapping[str, Any], name: str) -> Format | None:
    """Return the format that a document says, with the collector's name for it; else that of the ending of its name."""
    if "code" in told and "system" in told:
        key = (str(told["system"]), str(told["code"]))
        return _BY_CODE.get(key, Format(*key, str(told.get("display", told["code"]))))
    return next((each for ending, each in FORMATS.items() if name.lower().endswith(ending)), None)
