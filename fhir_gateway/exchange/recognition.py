"""What a JSON file of this field is, by the keys that only one of its formats has.

Source: GIP-CAD, ser_client-api (AURAGEN, SPICE); GA4GH Phenopacket Schema 2.0 and 1.0; FHIR R4, JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fhir_gateway.exchange.auragen.auragen import kind_of
from fhir_gateway.exchange.auragen.formats import Kind
from fhir_gateway.exchange.json_tree import json_object
from fhir_gateway.fhir.outcome import Complaint, InvalidRequest

OF_KIND: Final[Mapping[Kind, str]] = {
    "clinic_mr": "auragen-mr",
    "clinic_kc": "auragen-kc",
    "libraries": "auragen-libraries",
    "software": "auragen-software",
}
# Keys of a phenopacket that no other format has, in the spellings of ProtoJSON; a packet that lacks its subject is one.
_PACKET: Final = frozenset(
    {"subject", "proband", "phenotypicFeatures", "phenotypic_features", "metaData", "meta_data", "biosamples"}
)

IS_FHIR: Final = Complaint(
    "result-file-is-fhir",
    "not-supported",
    en="This is a FHIR resource ({type}), no file of a platform. Send it to [base]/{type}, a Bundle to [base], as "
    "application/fhir+json.",
    fr="C'est une ressource FHIR ({type}), pas un fichier de plateforme. Envoyez-la à [base]/{type}, un Bundle à "
    "[base], en application/fhir+json.",
)


def tree_of(data: bytes) -> dict[str, Any]:
    """Return the JSON object that bytes are. Raises: ValueError, saying what they are instead."""
    return json_object(data)


def recognised(tree: Mapping[str, Any]) -> str | None:
    """Return the format of a tree; None for one that is not known here.

    Raises: InvalidRequest for a FHIR resource, which is sent otherwise.
    """
    if isinstance(tree.get("resourceType"), str):
        raise InvalidRequest(IS_FHIR.at("", type=tree["resourceType"]))
    if "patients" in tree or "preindication" in tree:
        return "seqoia"
    kind = kind_of(tree)
    if kind is not None:
        return OF_KIND[kind]
    return "phenopacket" if not _PACKET.isdisjoint(tree) else None
