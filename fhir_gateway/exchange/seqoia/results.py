"""What GLeaves found, of a prescription of SPICE: variants, changes of copy number, biomarkers, the report.

Source: GIP-CAD, ser_client-api, SPICE schema and examples; Genomics Reporting 3.0.0, Variant; HGVS nomenclature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from fhir_gateway.exchange.seqoia.keys import user
from fhir_gateway.exchange.vcf.contigs import CHROMOSOME_ANSWERS, Assembly, chromosome, length
from fhir_gateway.terminology.hgvs import is_hgvs

if TYPE_CHECKING:
    from fhir_gateway.exchange.seqoia.reading import Entry

ASSEMBLIES: Final[Mapping[str, str]] = {"GRCh37": "LA14029-5", "GRCh38": "LA26806-2"}
_KNOWN: Final[Mapping[str, Assembly]] = {"GRCh37": "GRCh37", "GRCh38": "GRCh38"}
_MEDIA: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+", re.ASCII)
CLASSES: Final = frozenset("12345")
_GLEAVES: Final = "resultat_compte_rendu_gleaves"


def of_person(
    value: Mapping[str, Any], where: str, who: Mapping[str, str], assembly: str
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield what was found in a person: name of the segment, pointer, what rules read."""
    found = value.get(_GLEAVES, {})
    where = f"{where}/{_GLEAVES}"
    for number, each in enumerate(found.get("variants", ())):
        at = f"{where}/variants/{number}"
        yield "Variant", at, _variant(each, assembly)
    for number, each in enumerate(found.get("cnvs", ())):
        contig = next(iter(each.get("contig", ())), None)
        own = {**each, "contig": None if contig is None else str(contig)}
        yield "Cnv", f"{where}/cnvs/{number}", {**own, **_placed(own, "start", assembly)}
    measured = found.get("qc_infos", {})
    if isinstance(measured.get("hrd"), Mapping):
        yield "Hrd", f"{where}/qc_infos/hrd", dict(measured["hrd"])
    for name, key in (("Msi", "msi"), ("Tmb", "tmb")):
        if measured.get(key) is not None:
            yield name, f"{where}/qc_infos/{key}", {"value": measured[key], "unit": "1/1000000{Base}"}


def found(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield the pointers to all that a report counts among its results."""
    for entry in entries:
        if entry.sample is not None:
            continue
        for _, where, made in of_person(entry.value, entry.where, entry.who, "GRCh38"):
            yield where
            if made.get("class") is not None:
                yield f"{where}#acmg"


def report(entries: Sequence[Entry], index: Entry, tree: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what rules read of a report; None where there is none yet."""
    forms = tree.get("resultats", ())
    closure = tree.get("dossier_cloture", {})
    results = list(found(entries))
    conclusion = index.value.get(_GLEAVES, {}).get("conclusion")
    if not (forms or closure or results or conclusion):
        return None
    people = [(tree.get("membreLMG"), None, "membreLMG")]
    people += [
        (each.get("login"), each.get("nom"), "biologistes_signataires")
        for each in closure.get("biologistes_signataires", ())
    ]
    interpreters = [user(login, name, kind) for login, name, kind in people]
    return {
        "forms": [typed(each) for each in forms if "filename" in each],
        "issued": tree.get("date_resultats"),
        "amended": "true" if len(forms) > 1 else None,
        "interpreters": [each for each in interpreters if each is not None],
        "conclusion": conclusion,
        "closure": closure,
    }


def _variant(each: Mapping[str, Any], assembly: str) -> dict[str, Any]:
    """Return a variant as rules read it: its transcript where there is one, HGVS where it is HGVS, shares and reads."""
    features = each.get("Feature_ID", [])
    transcript = features[0] if len(features) == 1 else None
    coding = f"{transcript}:{each.get('HGVS_c')}" if transcript and "HGVS_c" in each else None
    coding = coding if coding is not None and is_hgvs(coding) else None
    reads = said(each.get("ADN-Tum-AD"))
    alt, _, total = (reads or "").partition("/")
    own: dict[str, Any] = {
        key: each[key] for key in ("Gene_Name", "HGVS_c", "HGVS_p", "census", "status_cnv") if key in each
    }
    placed = _placed({**each, "contig": str(each.get("contig", ""))}, "pos", assembly)
    counted = alt.isdecimal() and total.isdigit()
    return {
        **own, **placed,
        "contig": str(each["contig"]) if "contig" in each else None,
        "pos": each.get("pos"),
        "transcript": transcript,
        "features": features if transcript is None else [],
        "coding": coding,
        "vaf": said(each.get("ADN-Tum-VAF")),
        "alt_reads": alt if counted else None,
        "depth": reads,
        "rna_vaf": said(each.get("ARN-Tum-VAF")),
        "rna_ad": said(each.get("ARN-Tum-AD")),
        "class": each["acmg"] if each.get("acmg") in CLASSES else None,
        "named": "true" if coding is not None or placed.get("placed") is not None else None,
    }  # fmt: skip


def typed(file: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file as rules read it: what it is by its media type, or in any other word ("pdf")."""
    kind = file.get("filetype")
    if kind is None or _MEDIA.fullmatch(kind) is not None:
        return dict(file)
    return {**{key: each for key, each in file.items() if key != "filetype"}, "filekind": kind}


def said(text: str | None) -> str | None:
    """Return a text of SPICE; None where it says that there is none ("NA")."""
    return text if text and text != "NA" else None


def _placed(each: Mapping[str, Any], position: str, assembly: str) -> dict[str, Any]:
    """Return where a change stands, in words of FHIR; that it has no place, where its contig or position is none."""
    name = chromosome(str(each.get("contig")))
    start = each.get(position)
    if name is None or name not in CHROMOSOME_ANSWERS or start is None:
        return {"placed": None}
    end = start if each.get("end") is None else each["end"]
    if not 0 <= start <= end <= length(_KNOWN[assembly], name):
        return {"placed": None}
    return {"placed": "true", "contig": name, "assembly": ASSEMBLIES[assembly]}
