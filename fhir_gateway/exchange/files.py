"""The file formats of this field by name: how one dossier is written as each, and what that needs besides.

    formats = Formats(tables={"auragen-indications": {"F-49": "IMR0123"}})
    written = formats.write("auragen-mr", resources, Wish(at="2026-11-22T10:00:00Z"))

Nothing is carried in silence: what a format has no place for, and what it lacks, are issues beside the file.

Source: the rooms of each format; GA4GH Phenopacket 2.0; PLINK 1.9, "PED"; VCF 4.3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from fhir_gateway.exchange.auragen.auragen import Auragen
from fhir_gateway.exchange.auragen.formats import Kind
from fhir_gateway.exchange.auragen.people import CASE, INDICATION, LIBRARY
from fhir_gateway.exchange.pedigree import gathered as pedigree_gathered
from fhir_gateway.exchange.pedigree import kin, ped
from fhir_gateway.exchange.people import People, codes
from fhir_gateway.exchange.phenopacket import writing as phenopacket
from fhir_gateway.exchange.seqoia.seqoia import Options, Seqoia
from fhir_gateway.exchange.vcf import observation as variants
from fhir_gateway.exchange.vcf import writing as vcf
from fhir_gateway.exchange.vcf.contigs import ASSEMBLIES
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.outcome import Complaint, FhirError, Issue

if TYPE_CHECKING:
    from fhir_gateway.exchange.cad.cad import Cad

Resource = Mapping[str, Any]
PSEUDONYM: Final = f"{CANONICAL_BASE}/identifier/pseudonyme"  # what a person is called in files without identity
SEQOIA_ID: Final = f"{CANONICAL_BASE}/identifier/seqoia-id-anon"
_PARCOURS: Final = f"{CANONICAL_BASE}/CodeSystem/pfmg-parcours"
ANONYMOUS: Final = (PSEUDONYM, LIBRARY, SEQOIA_ID)  # systems of what people are called where no identity is told
JSON: Final = "application/json"
_TELLING: Final = ("resourceType", "id", "identifier", "gender", "birthDate", "deceasedBoolean", "deceasedDateTime")

NOT_CARRIED = Complaint(
    "file-element-not-carried",
    "informational",
    en="{path} ({count}) has no place in a file {format}; it stays in the dossier.",
    fr="{path} ({count}) n'a pas de place dans un fichier {format} ; le dossier le garde.",
    severity="information",
)
NO_COLLECTOR = Complaint(
    "file-no-collector",
    "not-supported",
    en="The deposits of {platform}, who runs the dossier, are not made here, so nothing says how its messages name it. "
    "The operator adds a table to the file of collectors.",
    fr="Les dépôts de {platform}, qui mène le dossier, ne se font pas ici : rien ne dit comment ses messages la "
    "nomment. L'exploitant ajoute une table au fichier des collecteurs.",
)
NO_VARIANTS = Complaint(
    "file-no-variants",
    "incomplete",
    en="The dossier has no variant of the proband that a VCF could hold. Ask again when the results are there.",
    fr="Le dossier n'a aucun variant du cas index qu'un VCF puisse tenir. Redemandez quand les résultats y seront.",
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a door knows besides the resources. `at`: now, a dateTime with zone; `by`: the software that writes.

    `called`: what files call people, by system (`PSEUDONYM`, LIBRARY, SEQOIA_ID) and key ("Patient/1"). `versions`: of
    code systems, by url. `asker`: the organisation that the file goes to ("system|value"): keys of its own files that
    nobody knew go back there.
    """

    at: str
    by: str = "fhir-gateway"
    called: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    asker: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file. `data`: None where the dossier lacks what the format demands; `issues`: what lacks, and what is lost;
    `suffix`: of its name, where that hangs on the dossier."""

    data: bytes | None
    issues: tuple[Issue, ...] = ()
    suffix: str = ""


Writing = Callable[["Formats", Sequence[Resource], Wish], File]


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format. `suffix`: of names of files; `pseudonymous`: people are called by `PSEUDONYM` in it, and it is written
    only where there are such names."""

    name: str
    media_type: str
    suffix: str
    write: Writing
    pseudonymous: bool = False

    @property
    def is_json(self) -> bool:
        return self.media_type == JSON


class Formats:
    """The formats with what an operator adds. `tables`: private tables by name, code to code; none is guessed.

    `collectors`: who writes the deposits of a laboratory, by each identifier that it has ("system|value").
    """

    def __init__(
        self, tables: Mapping[str, Mapping[str, str]] | None = None, collectors: Mapping[str, Cad] | None = None
    ) -> None:
        self.tables = tables or {}
        self.collectors = collectors or {}
        self.auragen = Auragen(self.tables)
        self.seqoia = Seqoia(self.tables)

    def write(self, name: str, resources: Iterable[Resource], wish: Wish) -> File:
        """Return one dossier as a file of a format; what forbids it is told, not raised."""
        format = FORMATS[name]
        held = _called(tuple(resources), wish, format)
        try:
            return format.write(self, held, wish)
        except FhirError as refusal:
            return File(None, tuple(refusal.issues))


def _called(resources: tuple[Resource, ...], wish: Wish, format: FileFormat) -> tuple[Resource, ...]:
    """Return resources whose people have the names that files call them by.

    In a pseudonymous format that is all that is left of an identity: who reads on cannot carry what is not there.
    """
    if format.pseudonymous:
        names = wish.called.get(PSEUDONYM, {})
        return tuple(_nameless(each, names) if each["resourceType"] == "Patient" else each for each in resources)
    if format.name == "seqoia":
        return tuple(_with_anonymous_id(each, wish.called.get(SEQOIA_ID, {})) for each in resources)
    libraries = wish.called.get(LIBRARY, {})
    return _with_libraries(resources, libraries) if libraries and format.name.startswith("auragen") else resources


def _nameless(patient: Resource, names: Mapping[str, str]) -> Resource:
    kept = {name: patient[name] for name in _TELLING if name in patient and name != "identifier"}
    value = names.get(f"Patient/{patient.get('id')}")
    return kept if value is None else {**kept, "identifier": [{"system": PSEUDONYM, "value": value}]}


def _with_anonymous_id(resource: Resource, names: Mapping[str, str]) -> Resource:
    """Return a person with the number by which SeqOIA knows them, where only the table of pseudonyms has it."""
    value = names.get(f"Patient/{resource.get('id')}") if resource["resourceType"] == "Patient" else None
    own = resource.get("identifier", [])
    if value is None or any(each.get("system") == SEQOIA_ID for each in own):
        return resource
    return {**resource, "identifier": [*own, {"system": SEQOIA_ID, "value": value}]}


def _with_libraries(resources: tuple[Resource, ...], libraries: Mapping[str, str]) -> tuple[Resource, ...]:
    """Return resources in which a person whose tubes have no library number has it on the first of them, and one who
    has no tube here on a library that says nothing else.
    """
    numbered = {_subject(each) for each in resources if _has(each, LIBRARY)}
    left = {key: value for key, value in libraries.items() if key not in numbered}
    made: list[Resource] = []
    for each in resources:
        number = left.pop(_subject(each), None) if each["resourceType"] == "Specimen" else None
        if number is not None:
            own = [*each.get("identifier", ()), {"system": LIBRARY, "value": number}]
            each = {**each, "identifier": own}
        made.append(each)
    here = {f"Patient/{each.get('id')}" for each in resources if each["resourceType"] == "Patient"}
    made += (
        {
            "resourceType": "Specimen",
            "identifier": [{"system": LIBRARY, "value": number}],
            "subject": {"reference": key},
        }
        for key, number in left.items()
        if key in here
    )
    return tuple(made)


def _subject(resource: Resource) -> str:
    return str(resource.get("subject", {}).get("reference", ""))


def _has(resource: Resource, system: str) -> bool:
    return resource["resourceType"] == "Specimen" and any(
        each.get("system") == system for each in resource.get("identifier", ())
    )


# --- each format


def _auragen(kind: Kind, name: str) -> Writing:
    def write(formats: Formats, resources: Sequence[Resource], wish: Wish) -> File:
        written = formats.auragen.write(kind, resources)
        lost = (NOT_CARRIED.at(path, path=path, count=n, format=name) for path, n in written.unplaced.items())
        return File(written.data, (*written.issues, *lost))

    return write


def _auragen_clinic(formats: Formats, resources: Sequence[Resource], wish: Wish) -> File:
    """The clinical file that fits the dossier: of a cancer or of a rare disease, by its pathway."""
    requests = (each for each in resources if each["resourceType"] == "ServiceRequest")
    is_tumour = any("KC" in codes(each.get("category"), _PARCOURS) for each in requests)
    format = FORMATS["auragen-kc" if is_tumour else "auragen-mr"]
    return replace(format.write(formats, resources, wish), suffix=format.suffix)


def _cad(formats: Formats, resources: Sequence[Resource], wish: Wish) -> File:
    """The message of a deposit, as the laboratory that runs the dossier would lay it down now."""
    people = People(resources)
    performers = [one for each in people.people for one in each.request.get("performer", ())]
    held = [found for one in performers if (found := people.held(one)) is not None]
    named = [one.get("identifier", {}) for one in performers]
    named += [each for one in held for each in one.get("identifier", ())]
    tokens = dict.fromkeys(f"{each.get('system', '')}|{each['value']}" for each in named if "value" in each)
    cad = next((formats.collectors[each] for each in tokens if each in formats.collectors), None)
    if cad is None:
        return File(None, (NO_COLLECTOR.at("ServiceRequest.performer", platform=", ".join(tokens) or "-"),))
    report = cad.report(resources)
    meta: Mapping[str, Any] = {} if report is None else report.get("meta", {})
    control = "" if report is None else f"{report.get('id', '')}-{meta.get('versionId', '')}"
    at = datetime.fromisoformat(str(meta.get("lastUpdated", wish.at)))
    written = cad.write(resources, control=control, at=at)
    lost = (NOT_CARRIED.at(kind, path=kind, count=n, format="cad") for kind, n in written.unplaced.items())
    return File(written.data, (*written.issues, *lost))


def _seqoia(formats: Formats, resources: Sequence[Resource], wish: Wish) -> File:
    """A prescription of SPICE: what people wrote in their own words stays with those who wrote it."""
    written = formats.seqoia.write(resources, Options(asker=wish.asker))
    lost = (NOT_CARRIED.at(path, path=path, count=n, format="seqoia") for path, n in written.unplaced.items())
    return File(written.data, (*written.issues, *lost))


def _phenopacket(formats: Formats, resources: Sequence[Resource], wish: Wish) -> File:
    options = phenopacket.Options(wish.at, wish.by, PSEUDONYM, wish.versions)
    written = phenopacket.write(pedigree_gathered.of_resources(resources), options)
    return File(written.data, written.issues)


def _ped(formats: Formats, resources: Sequence[Resource], wish: Wish) -> File:
    held = pedigree_gathered.of_resources(resources)
    found, issues = kin.pedigree(held, pedigree_gathered.family(held, PSEUDONYM))
    return File(ped.write(replace(found, family=found.family.replace(" ", "_"))), issues)


def _vcf(formats: Formats, resources: Sequence[Resource], wish: Wish) -> File:
    """The proband's variants, of the assembly that most of them have."""
    held = pedigree_gathered.of_resources(resources)
    proband = next(each for each in pedigree_gathered.family(held, PSEUDONYM).members if each.is_proband)
    own = [each for _, each in held.about("Observation", "subject", proband.key) if _is_variant(each)]
    told = Counter(found.assembly for each in own if (found := variants.variant_of(each)[0]) is not None)
    if not told:
        return File(None, (NO_VARIANTS.at("Observation"),))
    assembly = max(ASSEMBLIES, key=lambda each: (told[each], each == ASSEMBLIES[-1]))
    written = vcf.write(own, proband.id, assembly)
    return File(written.data, written.listed)


def _is_variant(observation: Resource) -> bool:
    codings = observation.get("code", {}).get("coding", ())
    return any(each.get("system") == variants.LOINC and each.get("code") == "69548-6" for each in codings)


_ALL: Final = (
    FileFormat("auragen-mr", JSON, "clinic_mr.json", _auragen("clinic_mr", "auragen-mr")),
    FileFormat("auragen-kc", JSON, "clinic_kc.json", _auragen("clinic_kc", "auragen-kc")),
    FileFormat("auragen-libraries", JSON, "libraries.json", _auragen("libraries", "auragen-libraries")),
    FileFormat("auragen-software", JSON, "software.json", _auragen("software", "auragen-software")),
    FileFormat("seqoia", JSON, "spice.json", _seqoia),
    FileFormat("phenopacket", JSON, "phenopacket.json", _phenopacket, pseudonymous=True),
    FileFormat("ped", "text/plain", "ped", _ped, pseudonymous=True),
    FileFormat("vcf", "text/plain", "vcf", _vcf, pseudonymous=True),
    FileFormat("auragen", JSON, "clinic.json", _auragen_clinic),
    FileFormat("cad", "x-application/hl7-v2+er7", "hl7", _cad),
)
# What a format is also called.
ALIASES: Final[Mapping[str, str]] = {"spice": "seqoia"}
FORMATS: Final[Mapping[str, FileFormat]] = {each.name: each for each in _ALL}

__all__ = [
    "ALIASES",
    "ANONYMOUS",
    "CASE",
    "FORMATS",
    "INDICATION",
    "LIBRARY",
    "PSEUDONYM",
    "File",
    "FileFormat",
    "Formats",
    "Wish",
]
