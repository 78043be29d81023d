"""The cases that the examples tell: one dossier of each kind, of the people of the file, in which nothing is missing.

Source: `profiles/examples/pfmg/people.json`; PFMG, sheets of the préindications; `fhir_gateway/dossier`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any, Final

from fhir_gateway.demo_dossiers.invented import people, professionals, structures
from fhir_gateway.demo_dossiers.prescription import (
    Member,
    Prescription,
    Signer,
    consents,
    request,
    specimens,
    submitted,
)
from fhir_gateway.demo_dossiers.resources import Resource
from fhir_gateway.demo_dossiers.submission import name_of

# When the examples are prescribed, and when their gaps are asked for; they are signed and sampled in between.
AUTHORED: Final = "2026-04-07"
AT: Final = "2026-05-04"
ORIGINAL: Final = "MR-2023-0042"

TUMOUR: Final = (("tumeur-congelee", "tumoral-primitif"), ("sang", "normal-apparie"))
MARROW: Final = (("culot-sec", "tumoral-primitif"), ("fibroblaste", "normal-apparie"))


def _member(key: str, who: str, form: str, link: str | None = None, *signers: tuple[str, str], **more: Any) -> Member:
    known = people()
    signing = tuple(Signer(known[person], role, person.rpartition("-")[2]) for person, role in signers)
    return Member(key, known[who], form, link, signers=signing, **more)


def _case(
    number: str, parcours: str, code: str, examen: str, prescriber: str, *members: Member, **more: Any
) -> Prescription:
    who = professionals()[prescriber]
    platform = structures()["auragen" if who.structure == "valmont" else "seqoia"]
    return Prescription(number, parcours, code, examen, who, platform, AUTHORED, members, **more)


def _parents(child: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (f"{child}-mere", "MTH"), (f"{child}-pere", "FTH")


def _relatives(child: str, mother: str = "MTH", father: str = "FTH") -> tuple[Member, Member]:
    return (
        _member("mere", f"{child}-mere", "tiers-apparente", mother),
        _member("pere", f"{child}-pere", "tiers-apparente", father, place=1),
    )


def _elio(**more: Any) -> Member:
    signs = (
        ("HP:0001249", "Déficience intellectuelle", True),
        ("HP:0001250", "Crises", True),
        ("HP:0000252", "Microcéphalie", False),
    )
    return _member("index", "elio", "mr-mineur", None, *_parents("elio"), is_affected=True, signs=signs, **more)


def _adult(who: str, form: str = "mr-majeur", sign: tuple[str, str] | None = None, **more: Any) -> Member:
    signs = ((*sign, True),) if sign is not None else ()
    return _member("index", who, form, is_affected=True, signs=signs, **more)


@cache
def cases() -> Mapping[str, Prescription]:
    """Return the prescriptions by the name of their example."""
    return {**_rare_diseases(), **_special_persons(), **_cancers()}


def _rare_diseases() -> dict[str, Prescription]:
    sister = _member("soeur", "elio-soeur", "mr-mineur", "NSIS", *_parents("elio"), is_affected=True)
    dystonia = ("HP:0001332", "Dystonie")
    return {
        "trio": _case(
            "MR-2026-0001", "MR", "F-49", "wgs-trio", "prescripteur", _elio(), *_relatives("elio"),
            documents=("fiche-rcp",),
        ),
        "quatuor": _case(
            "MR-2026-0002", "MR", "F-49", "wgs-quatuor", "conseillere", _elio(), *_relatives("elio"), sister,
            documents=("fiche-rcp", "genetique-anterieure"),
        ),
        "duo": _case(
            "MR-2026-0003", "MR", "F-35", "wgs-duo", "prescripteur", _adult("garance", sign=dystonia),
            _member("mere", "garance-mere", "tiers-apparente", "MTH", is_affected=True),
        ),
        "solo": _case(
            "MR-2026-0004", "MR", "F-02", "wgs-solo", "prescripteur-granit",
            _adult("nils", sign=("HP:0011675", "Arythmie")),
        ),
        "solo-with-reason": _case(
            "MR-2026-0005", "MR", "F-45", "wgs-solo", "prescripteur-granit",
            _adult("nils", sign=("HP:0002652", "Dysplasie osseuse")),
            motive="Personne adoptée : parents biologiques inconnus.",
        ),
        "retinal-dystrophy": _case(
            "MR-2026-0006", "MR", "F-67", "wgs-solo", "oncologue",
            _adult("ondine", sign=("HP:0000556", "Dystrophie rétinienne")),
            documents=("fiche-rcp", "ophtalmologie", "fond-oeil", "autofluorescence", "oct", "erg"),
        ),
        "urgent": _case(
            "MR-2026-0007", "MR", "F-58", "wgs-trio", "prescripteur", _elio(), *_relatives("elio"),
            priority="urgent", note="Enfant hospitalisé en réanimation.",
        ),
        "first-analysis": _case(
            ORIGINAL, "MR", "F-49", "wgs-trio", "prescripteur", _elio(), *_relatives("elio"),
            documents=("fiche-rcp",),
        ).with_(authored="2023-03-06"),
        "reanalysis": _case(
            "MR-2026-0008", "MR", "F-49", "reanalyse", "prescripteur", _elio(tubes=()),
            *_without_tubes("elio"), based_on=ORIGINAL,
        ),
    }  # fmt: skip


def _without_tubes(child: str) -> tuple[Member, ...]:
    return (
        _member("mere", f"{child}-mere", "tiers-apparente", "MTH", tubes=()),
        _member("pere", f"{child}-pere", "tiers-apparente", "FTH", tubes=()),
    )


def _special_persons() -> dict[str, Prescription]:
    malformation = ("HP:0001360", "Holoprosencéphalie", True)
    epilepsy = ("HP:0001250", "Crises", True)
    return {
        "fetus": _case(
            "MR-2026-0009", "MR", "F-51", "wgs-trio", "prescripteur",
            _member(
                "index", "foetus", "foetus-decede", None, *_parents("foetus"), is_affected=True, signs=(malformation,),
                tubes=(("organe", "constitutionnel"),),
            ),
            *_relatives("foetus", "NMTHF", "NFTHF"), documents=("fiche-rcp",),
        ),
        "deceased-minor": _case(
            "MR-2026-0010", "MR", "F-58", "wgs-trio", "prescripteur",
            _member(
                "index", "theo", "mr-mineur-decede", None, *_parents("theo"), is_affected=True, signs=(epilepsy,),
                tubes=(("adn", "constitutionnel"),),
            ),
            *_relatives("theo"),
        ),
        "adult-under-guardianship": _case(
            "MR-2026-0011", "MR", "F-48", "wgs-solo", "conseillere",
            _member(
                "index", "solene", "mr-majeur-tutelle", None, ("solene-tutrice", "GUARD"), is_affected=True,
                signs=(("HP:0004322", "Petite taille", True),),
            ),
        ),
        "identity-not-qualified": _case(
            "MR-2026-0012", "MR", "F-42", "wgs-solo", "prescripteur", _adult("malo", sign=("HP:0003198", "Myopathie")),
        ),
        "sole-parental-authority": _case(
            "MR-2026-0013", "MR", "F-68", "wgs-solo", "oncologue",
            _member(
                "index", "zoe", "mr-mineur", None, ("zoe-mere", "MTH"), is_affected=True, sole_authority=True,
                signs=(("HP:0000365", "Déficience auditive", True),),
            ),
        ),
    }  # fmt: skip


def _cancers() -> dict[str, Prescription]:
    return {
        "oncogenetics": _case(
            "OC-2026-0001", "OC", "F-87", "wgs-solo", "prescripteur", _adult("garance"), documents=("fiche-rcp",),
        ),
        "solid-tumour": _case(
            "KC-2026-0001", "KC", "F-82", "wgs-tumeur-constit", "oncologue",
            _adult("octave", "cancer-majeur", tubes=TUMOUR), cellularity=60,
            documents=("fiche-rcp", "anatomopathologie"),
        ),
        "leukaemia": _case(
            "KC-2026-0002", "KC", "F-69", "wgs-tumeur-constit", "oncologue",
            _adult("iris", "cancer-majeur", tubes=MARROW), documents=("anatomopathologie",), cellularity=80,
            priority="urgent", note="Leucémie aiguë au diagnostic : traitement en attente.",
        ),
        "cancer-of-a-minor": _case(
            "KC-2026-0003", "KC", "F-84", "wgs-tumeur-constit", "oncologue",
            _member("index", "zoe", "cancer-mineur", None, *_parents("zoe"), is_affected=True, tubes=TUMOUR),
            documents=("anatomopathologie",), cellularity=45,
        ),
    }  # fmt: skip


def complete(prescription: Prescription) -> list[Resource]:
    """Return all of a submission that lacks nothing: what is prescribed, the signed forms, the tubes."""
    held = submitted(prescription)
    authored = date.fromisoformat(prescription.authored)
    signed, taken = (authored + timedelta(days=each) for each in (13, 15))
    for member in prescription.members:
        held += consents(prescription, member, f"{signed}T10:30:00+02:00")
        held += specimens(prescription, member, f"{taken}")
    return held


@cache
def originals() -> Mapping[str, Resource]:
    """Return the requests that a reanalysis goes back to, by "Type/id": they are in the store, not in the Bundle."""
    first = cases()["first-analysis"]
    return {name_of(each): each for each in (request(first, member) for member in first.members)}
