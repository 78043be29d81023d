"""Keys of SPICE that have no element of their own in FHIR, as components of an Observation: their path, what they say.

    no_conformity_data/no_conformity/count_of_nc_conformity  ->  component.code.text, component.valueQuantity

Source: FHIR R4, Observation.component; README.md of this room, "Fields".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE

SYSTEM: Final = f"{CANONICAL_BASE}/CodeSystem/seqoia-champ"
# What people write in their own words: it leaves only for where it came from.
FREE: Final = frozenset({"commentaire", "commentaires", "conclusion", "post_prescription_comment", "ricb_comment"})
# Keys of each object that are carried so.
OF_CASE: Final = (
    "date", "date_last_modified", "dateConsent", "cr_technique", "is_cr_readed", "centreQEX_Id",
    "hasDateLastModified", "hasDateCreation", "nb_reclamation", "preindication/name_old",
)  # fmt: skip
OF_PERSON: Final = (
    "accueilLMG", "accueilLMG_constit", "accueilLMG_adn", "accueilLMG_arn", "is_WES_C",
    "is_prescripteur_are_given_FFPE", "isWGSNeeded", "provenence_du_prelevement_tumoral", "pathologiste_referent",
    "reference_compte_rendu_anatomopathologie", "origine_etat_tumoral", "concentration_arn_tumoral",
    "volume_arn_tumoral", "quantite_arn_tumoral", "valeur_dqn_arn_tumoral", "id_no_conformity", "no_conformity_data",
)  # fmt: skip
OF_GLEAVES: Final = (
    "commentaires", "nb_samples", "metadata", "expansions", "qc_infos/cellularite_inferee", "qc_infos/ploidie_inferee",
    "qc_infos/qc_values_cancer", "qc_infos/qc_values_mr",
)  # fmt: skip
NOT_OF_CLOSURE: Final = frozenset({"biologistes_signataires"})


def at(value: Any, path: str) -> Any:
    """Return what stands at a path below an object; None where nothing does."""
    for step in path.split("/"):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield all texts, numbers and booleans at and below a value, each with its path; null and "" say nothing."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from leaves(each, f"{path}/{_escaped(key)}" if path else _escaped(key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from leaves(each, f"{path}/{number}")
    elif value is not None and value != "":
        yield path, value


def field(path: str, value: Any) -> dict[str, Any]:
    """Return a key as rules read it."""
    kind = "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
    return {"path": path, kind: value}


def told(observation: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the paths of an Observation's components, each with what it says."""
    for each in observation.get("component", ()):
        for name in ("valueBoolean", "valueString"):
            if name in each:
                yield str(each["code"]["text"]), each[name]
        if "valueQuantity" in each:
            yield str(each["code"]["text"]), each["valueQuantity"]["value"]


def free(path: str) -> bool:
    """Tell whether a path is of free text."""
    return any(step in FREE for step in path.split("/"))


def restored(into: dict[str, Any], pairs: Iterable[tuple[str, Any]]) -> None:
    """Put fields back below an object, over what stands there; items of lists that are there by their places."""
    for path, value in pairs:
        *way, last = map(_plain, path.split("/"))
        here: Any = into
        for step in way:
            if isinstance(here, list):
                if not step.isdecimal() or int(step) >= len(here):
                    break
                here = here[int(step)]
            elif isinstance(here, dict):
                here = here.setdefault(step, {})
            else:
                break
        else:
            if isinstance(here, dict):
                here[last] = value
    for key, each in into.items():
        into[key] = _lists(each)


def _lists(value: Any) -> Any:
    """Return a value in which objects of keys 0, 1, 2 and so on are lists again."""
    if isinstance(value, list):
        return [_lists(each) for each in value]
    if not isinstance(value, dict):
        return value
    made = {key: _lists(each) for key, each in value.items()}
    if made and sorted(made) == sorted(map(str, range(len(made)))):
        return [made[str(number)] for number in range(len(made))]
    return made


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _plain(key: str) -> str:
    return key.replace("~1", "/").replace("~0", "~")
