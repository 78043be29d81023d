"""Who and what is meant, by number: the systems of SPICE's numbers, and a reference as rules read it.

Source: FHIR R4, Reference.identifier ("logical reference"); `profiles/pfmg/input/fsh/identifiants.fsh`.
"""

from __future__ import annotations

from typing import Any, Final

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE

Key = dict[str, str]  # type, system, value, display, kind

FORMAT: Final = "seqoia"  # of the code system of unknown keys
_IDENTIFIER: Final = f"{CANONICAL_BASE}/identifier"
OBJECT: Final = f"{_IDENTIFIER}/seqoia-objet"
ID_ANON: Final = f"{_IDENTIFIER}/seqoia-id-anon"
CASE: Final = f"{_IDENTIFIER}/seqoia-dossier"
USER: Final = f"{_IDENTIFIER}/seqoia-utilisateur"
RCP: Final = f"{_IDENTIFIER}/seqoia-rcp"
FILE: Final = f"{_IDENTIFIER}/seqoia-fichier"
ANALYSIS: Final = f"{_IDENTIFIER}/seqoia-analyse"
RUN: Final = f"{_IDENTIFIER}/seqoia-run"
IPP: Final = f"{_IDENTIFIER}/ipp"
INS: Final = "urn:oid:1.2.250.1.213.1.4."  # of NIR, NIA, for tests, for demonstrations
RPPS: Final = "https://rpps.esante.gouv.fr"
FINESS: Final = "https://finess.esante.gouv.fr"
LABORATORY: Final[Key] = {"type": "Organization", "system": FINESS, "value": "750059800", "display": "SeqOIA"}


def user(login: Any, display: Any = None, kind: str = "", resource: str = "PractitionerRole") -> Key | None:
    """Return who a login of SPICE is, eleven digits being an RPPS number; None where nobody is named."""
    if not login and not display:
        return None
    made: Key = {"type": resource}
    if login:
        rpps = len(str(login)) == 11 and str(login).isdecimal()
        made |= {"system": RPPS if rpps else USER, "value": str(login)}
    if display:
        made["display"] = str(display)
    if kind:
        made["kind"] = kind
    return made


def reference(key: Key) -> dict[str, Any]:
    """Return who or what is meant as a logical reference."""
    return {"type": key["type"], "identifier": {"system": key["system"], "value": key["value"]}}
