"""An independent witness: what the gateway returns must parse in fhir.resources' R4B classes.

R4 and R4B share these types but for a few that exist in one of them only; those are not asked here.
"""

from __future__ import annotations

from typing import Any

from fhir.resources.R4B import get_fhir_model_class

# Types of R4 (4.0.1) that R4B (4.3.0) does not have.
ONLY_R4 = frozenset(
    {
        "EffectEvidenceSynthesis",
        "MedicinalProduct",
        "MedicinalProductAuthorization",
        "MedicinalProductContraindication",
        "MedicinalProductIndication",
        "MedicinalProductIngredient",
        "MedicinalProductInteraction",
        "MedicinalProductManufactured",
        "MedicinalProductPackaged",
        "MedicinalProductPharmaceutical",
        "MedicinalProductUndesirableEffect",
        "RiskEvidenceSynthesis",
        "SubstanceNucleicAcid",
        "SubstancePolymer",
        "SubstanceProtein",
        "SubstanceReferenceInformation",
        "SubstanceSourceMaterial",
        "SubstanceSpecification",
    }
)


def parse(resource: dict[str, Any]) -> None:
    """Parse a resource, and each one inside a Bundle. Raises: pydantic's ValidationError."""
    if resource["resourceType"] == "Bundle":
        for entry in resource.get("entry", []):
            if "resource" in entry:
                parse(entry["resource"])
        resource = {
            **resource,
            "entry": [
                {name: value for name, value in entry.items() if name != "resource"}
                for entry in resource.get("entry", [])
            ],
        }
        resource["entry"] = [entry for entry in resource["entry"] if entry]
        if not resource["entry"]:
            del resource["entry"]
    if resource["resourceType"] not in ONLY_R4:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
