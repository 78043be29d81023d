"""The family links of a person of a deposit, those told the other way round among them.

A link is told from one person; the collector reads it in the group of either. It is turned round only where it is
exact: sure, and of a role that has an inverse of the sex of whom it leads back to. That parents of one child are a
couple is never supposed.

Source: HL7 v3-RoleCode, "FamilyMember"; profiles/pfmg, confiance-lien; reference: CAD message, NK1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from fhir_gateway.exchange.cad import complaints
from fhir_gateway.exchange.pedigree.gathered import PATIENT_RECORD, Gathered, relative
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.terminology.kinship import ROLE_CODE, Kinship

Link = dict[str, Any]
SURE: Final = f"{CANONICAL_BASE}/StructureDefinition/confiance-lien"


def links_of(
    key: str, gathered: Gathered, members: Mapping[str, str], kinship: Kinship, words: Mapping[str, str],
    issues: list[Issue],
) -> list[Link]:  # fmt: skip
    """Return the links of a person: those told from them, then those to them turned round where none is told.

    `members`: people of the dossier, each with what it is called in issues; `words`: roles in French.
    """
    told: list[tuple[str | None, Link]] = [
        (relative(gathered, each), _worded(each, words))
        for _, each in gathered.of_type("FamilyMemberHistory")
        if gathered.key(each.get("patient")) == key
    ]
    known = {other for other, _ in told}
    links = [link for _, link in told]
    for place, each in gathered.of_type("FamilyMemberHistory"):
        other = gathered.key(each.get("patient"))
        if relative(gathered, each) != key or other is None or other not in members or other in known:
            continue
        turned, reason = _turned(each, other, gathered, kinship, words)
        if turned is not None:
            known.add(other)
            links.append(turned)
        else:
            issues.append(complaints.LINK_NOT_EXACT.at(f"{place}.relationship", person=members[key], reason=reason))
    return links


def sureness(link: Mapping[str, Any]) -> Decimal | None:
    """Return how sure a link is, 0 to 1; 1 where it was told by its code alone, None where nothing says."""
    relationship = link.get("relationship", {})
    for extension in relationship.get("extension", ()):
        if extension.get("url") == SURE and "valueDecimal" in extension:
            return Decimal(str(extension["valueDecimal"]))
    return None if "text" in relationship else Decimal("1.0")


def _role(link: Mapping[str, Any]) -> str | None:
    codings = link.get("relationship", {}).get("coding", ())
    return next((str(each["code"]) for each in codings if each.get("system") == ROLE_CODE and "code" in each), None)


def _worded(link: Mapping[str, Any], words: Mapping[str, str]) -> Link:
    """Return a link with the French word of its role and how sure it is."""
    role, sure = _role(link), sureness(link)
    if role is None:
        return dict(link)
    return {**link, "relationship": _relationship(role, sure, words)}


def _relationship(role: str, sure: Decimal | None, words: Mapping[str, str]) -> dict[str, Any]:
    coding = {"system": ROLE_CODE, "code": role}
    if role in words:
        coding["display"] = words[role]
    made: dict[str, Any] = {"coding": [coding]}
    if sure is not None:
        made["extension"] = [{"url": SURE, "valueDecimal": sure}]
    return made


def _turned(
    link: Mapping[str, Any], other: str, gathered: Gathered, kinship: Kinship, words: Mapping[str, str]
) -> tuple[Link | None, str]:
    """Return a link turned round, or why it cannot be."""
    role, sure = _role(link), sureness(link)
    if role is None:
        return None, "no role"
    if sure is None or sure < 1:
        return None, f"{role}, {sure if sure is not None else '?'}"
    gender = gathered.patient(other).get("gender")
    inverse = kinship.inverse(role, gender if gender in ("male", "female") else None)
    if inverse is None:
        return None, f"{role}, {gender or '?'}"
    turned = {
        "resourceType": "FamilyMemberHistory",
        "extension": [{"url": PATIENT_RECORD, "valueReference": {"reference": other}}],
        "status": "completed",
        "relationship": _relationship(inverse, sure, words),
    }
    return turned, ""


def words_of(concepts: Iterator[Mapping[str, Any]]) -> dict[str, str]:
    """Return codes with their displays, nested ones too."""
    found: dict[str, str] = {}
    waiting = list(concepts)
    while waiting:
        each = waiting.pop()
        if "display" in each:
            found[str(each["code"])] = str(each["display"])
        waiting += each.get("concept", ())
    return found
