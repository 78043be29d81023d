"""A result file of a platform, whatever its format: what it is, which case and people it names, what it makes.

People are named as the file names them (logical references); who they are is known to whoever holds the dossier.

Source: the rooms of each format; VCF 4.4; GA4GH Phenopacket 2.0; GIP-CAD, ser_client-api.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, get_args
from uuid import NAMESPACE_URL, uuid5

from fhir_gateway.exchange import recognition, unknown_keys
from fhir_gateway.exchange.auragen.formats import KINDS, folder, maps
from fhir_gateway.exchange.auragen.people import CASE, LIBRARY
from fhir_gateway.exchange.files import ALIASES, Formats
from fhir_gateway.exchange.pedigree import kin, ped
from fhir_gateway.exchange.pedigree.ped import is_ped
from fhir_gateway.exchange.phenopacket import reading as phenopacket
from fhir_gateway.exchange.vcf import observation, reading
from fhir_gateway.exchange.vcf.contigs import Assembly
from fhir_gateway.exchange.vcf.header import BOM, read_header
from fhir_gateway.exchange.vcf.lines import lines
from fhir_gateway.exchange.vcf.variant import SourceClass
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.fhir.outcome import Complaint, FhirError, InvalidRequest, Issue, TooCostly
from fhir_gateway.transform.mapping import version_of

Resource = dict[str, Any]
MOST: Final = 1_000  # variants of one import: a report names some thirty
RESULTS: Final = (
    "auragen-mr",
    "auragen-kc",
    "auragen-libraries",
    "auragen-software",
    "seqoia",
    "phenopacket",
    "ped",
    "vcf",
)
ASSEMBLIES: Final[tuple[Assembly, ...]] = get_args(Assembly)
# Which steps of a dossier (pfmg-tache) a file of a format tells to be done; SPICE tells its own.
STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "auragen-libraries": ("preparation",),
    "auragen-software": ("analyse-bioinfo",),
    "vcf": ("analyse-bioinfo",),
}

FILE_UNKNOWN = Complaint(
    "result-file-unknown",
    "structure",
    en="This is no result file that is known here ({known}): {reason}. Send the file as the platform's software wrote "
    "it.",
    fr="Ce n'est pas un fichier de résultats connu ici ({known}) : {reason}. Envoyez le fichier tel que le logiciel de "
    "la plateforme l'a écrit.",
)
OTHER_FORMAT = Complaint(
    "result-file-other-format",
    "value",
    en="The file is said to be {said} and is {found}. Correct the format, or leave it out.",
    fr="Le fichier est dit {said} et c'est un {found}. Corrigez le format, ou omettez-le.",
)
KEY_KEPT = Complaint(
    "result-key-unknown",
    "informational",
    en="The key {pointer} is not of this format; no rule reads it. Its text is kept beside the dossier.",
    fr="La clé {pointer} n'est pas de ce format ; aucune règle ne la lit. Son texte est gardé avec le dossier.",
    severity="warning",
)
NOT_READ = Complaint(
    "result-key-not-read",
    "informational",
    en="{pointer} is read by no rule.",
    fr="{pointer} n'est lu par aucune règle.",
    severity="information",
)
SAMPLE_NOT_SAID = Complaint(
    "result-sample-not-said",
    "required",
    en="The VCF has {count} samples ({samples}); say which is meant (echantillon).",
    fr="Le VCF a {count} échantillons ({samples}) ; dites lequel est visé (echantillon).",
)
TOO_MANY = Complaint(
    "result-too-many-variants",
    "too-costly",
    en="{count} variants are more than a result has ({most} at most). Say which are reported: by filtre or by marque.",
    fr="{count} variants sont plus qu'un résultat n'en a ({most} au plus). Dites lesquels sont rendus : par filtre ou "
    "par marque.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What who sends a file says of it. `format`: one of RESULTS. Of a VCF: which sample, which rows are reported, by
    FILTER or INFO flag, which assembly. `at`: now, a dateTime."""

    at: str
    format: str | None = None
    sample: str | None = None
    filters: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    assembly: Assembly | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A resource of a file, and the url by which others of the file name it."""

    url: str
    resource: Resource


@dataclass(frozen=True, slots=True)
class Result:
    """What a file makes. `issues`: what is to be said of it, by JSON pointer or line."""

    made: tuple[Made, ...]
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that can be read. `rules`: the version of what reads it; `cases`: numbers of the case, `names`: of people
    and libraries, as (system, value), "" for a system that the file does not say. `read`: makes the resources;
    the genomic source class is known to the dossier only. `pointer`: where a text stands in the file.
    """

    format: str
    rules: str
    cases: tuple[tuple[str, str], ...]
    names: tuple[tuple[str, str], ...]
    read: Callable[[SourceClass | None], Result]
    pointer: Callable[[str], str | None]
    steps: tuple[str, ...] = field(default=())


def opened(formats: Formats, data: bytes, asked: Asked) -> Opened:
    """Return a file, found to be of a format by what it is.

    Raises: InvalidRequest, Unprocessable, with all that is wrong: truncated, of no known form, two index cases.
    """
    found, tree = ("ped", None) if asked.format == "ped" or is_ped(data) else _format_of(data)
    said = ALIASES.get(asked.format or "", asked.format)
    if said not in (None, found, found.partition("-")[0]):
        raise InvalidRequest(OTHER_FORMAT.at("", said=asked.format, found=found))
    if found == "vcf":
        return _vcf(data, asked)
    if found == "ped":
        return _ped(data, asked)
    if found == "phenopacket":
        return _phenopacket(data, asked, tree)
    if found == "seqoia":
        return _seqoia(formats, data, tree)
    return _auragen(formats, data, found, tree)


def _format_of(data: bytes) -> tuple[str, Any]:
    """Return the format of a file, and its tree where it is JSON."""
    if data[:2] == b"\x1f\x8b" or data.removeprefix(BOM).startswith(b"##fileformat=VCF"):
        return "vcf", None
    known = ", ".join(RESULTS)
    try:
        tree = recognition.tree_of(data)
    except ValueError as error:
        raise InvalidRequest(FILE_UNKNOWN.at("", known=known, reason=str(error))) from None
    if (found := recognition.recognised(tree)) is not None:
        return found, tree
    keys = ", ".join(list(tree)[:10]) or "{}"
    raise InvalidRequest(FILE_UNKNOWN.at("", known=known, reason=f"JSON, {keys}"))


# --- AURAGEN


_versions: dict[tuple[int, str], str] = {}


def _auragen(formats: Formats, data: bytes, format: str, tree: Any) -> Opened:
    read = formats.auragen.read(data)
    kind = read.kind
    version = _versions.get((id(formats), kind))
    if version is None:
        layers = [(f"auragen/{kind}/read", folder() / kind / "read")]
        version = _versions[id(formats), kind] = version_of(layers, maps(formats.tables))
    unknown = (KEY_KEPT.at(each, pointer=each) for each in read.unknown)
    left = (NOT_READ.at(each, pointer=each) for each in read.unplaced)
    result = Result(_named(read.resources), (*read.issues, *unknown, *left))
    found = _as_read(format, f"auragen/{kind} {version}", result, tree)
    # A file without libraries makes nothing, and is of its case all the same.
    case = (CASE, str(tree.get("case_id", "")))
    return found if case[1] == "" or case in found.cases else replace(found, cases=(*found.cases, case))


def _named(resources: Sequence[Resource]) -> tuple[Made, ...]:
    return tuple(Made(f"urn:uuid:{uuid5(NAMESPACE_URL, f'result {n}')}", each) for n, each in enumerate(resources))


def _as_read(format: str, rules: str, result: Result, tree: Any) -> Opened:
    """Return a file that was read whole already: what it makes does not hang on the dossier."""
    cases: dict[tuple[str, str], None] = {}
    names: dict[tuple[str, str], None] = {}
    for each in result.made:
        if each.resource["resourceType"] == "ServiceRequest":
            cases |= dict.fromkeys(_identifiers(each.resource))
        elif each.resource["resourceType"] in ("Patient", "Specimen"):
            for pair in _identifiers(each.resource):
                if each.resource["resourceType"] == "Patient" or pair[0] == LIBRARY:
                    (cases if pair[0] == CASE else names)[pair] = None
        for kind, pair in logical(each.resource):
            if kind == "ServiceRequest" or pair[0] == CASE:
                cases[pair] = None
            elif kind == "Patient":
                names[pair] = None
    pointer = _pointers(tree)
    return Opened(format, rules, tuple(cases), tuple(names), lambda _: result, pointer, STEPS.get(format, ()))


def _identifiers(resource: Resource) -> Iterator[tuple[str, str]]:
    for each in resource.get("identifier", ()):
        if "value" in each:
            yield str(each.get("system", "")), str(each["value"])


def logical(value: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield what logical references of a resource name: the type that they say, system and value."""
    if isinstance(value, list):
        for each in value:
            yield from logical(each)
    elif isinstance(value, dict):
        one = value.get("identifier")
        if isinstance(one, dict) and "value" in one and "reference" not in value:
            yield str(value.get("type", "")), (str(one.get("system", "")), str(one["value"]))
        for each in value.values():
            if isinstance(each, dict | list):
                yield from logical(each)


def _pointers(tree: Any) -> Callable[[str], str | None]:
    """Return what finds the first place of a text in a tree, as a JSON pointer."""
    found: dict[str, str] = {}

    def walk(value: Any, where: str) -> None:
        if isinstance(value, dict):
            for key, each in value.items():
                walk(each, f"{where}/{key.replace('~', '~0').replace('/', '~1')}")
        elif isinstance(value, list):
            for number, each in enumerate(value):
                walk(each, f"{where}/{number}")
        elif isinstance(value, str):
            found.setdefault(value, where)

    def pointer(text: str) -> str | None:
        if not found:
            walk(tree, "")
        return found.get(text)

    return pointer


# --- SPICE


def _seqoia(formats: Formats, data: bytes, tree: Any) -> Opened:
    read = formats.seqoia.read(data)
    version = _versions.get((id(formats), "spice"))
    if version is None:
        layers = [("seqoia/spice/read", data_folder("mappings") / "platforms" / "seqoia" / "spice" / "read")]
        version = _versions[id(formats), "spice"] = version_of(layers, maps(formats.tables))
    unknown = (KEY_KEPT.at(each, pointer=each) for each in read.unknown)
    left = (NOT_READ.at(each, pointer=each) for each in read.unplaced)
    result = Result(_named(read.resources), (*read.issues, *unknown, *left))
    return _as_read("seqoia", f"seqoia/spice {version}", result, tree)


# --- phenopacket


def _phenopacket(data: bytes, asked: Asked, tree: Any) -> Opened:
    read = phenopacket.read(data, asked.at)
    unknown = (KEY_KEPT.at(each, pointer=each) for each in read.unknown)
    made = [Made(each.url, each.resource) for each in read.entries]

    def owner(where: str) -> dict[str, Any]:
        of = read.proband
        if where.startswith("/relatives/"):
            of = tree["relatives"][int(where.split("/")[2])]["subject"]["id"]
        return {"subject": {"type": "Patient", "identifier": {"value": of}}}

    # The envelope that keeps them is no result; beside the person they stay with the dossier.
    strange = {
        at: value for at, value in read.kept.items() if any(f"{at}/".startswith(f"{one}/") for one in read.unknown)
    }
    for number, each in enumerate(unknown_keys.observations("phenopacket", strange, owner)):
        made.append(Made(f"urn:uuid:{uuid5(NAMESPACE_URL, f'result kept {number}')}", each))
    rules = f"phenopacket {phenopacket.version()}"
    return _as_read("phenopacket", rules, Result(tuple(made), (*read.issues, *unknown)), tree)


# --- PED


def _ped(data: bytes, asked: Asked) -> Opened:
    """A pedigree, whose people are called by pseudonyms or libraries: compared with the dossier's, never written."""
    read = ped.read(data)
    made = (each for each in kin.resources(read.pedigree, asked.at) if each.resource["resourceType"] != "Composition")
    result = Result(tuple(Made(each.url, each.resource) for each in made), read.issues)
    places = {each.id: each.place for each in reversed(read.pedigree.people)}
    return replace(_as_read("ped", "ped PLINK 1.9", result, None), pointer=places.get)


# --- VCF


def _vcf(data: bytes, asked: Asked) -> Opened:
    try:
        header = read_header(lines(data))
    except FhirError as refusal:
        raise InvalidRequest(*refusal.issues) from None
    sample = asked.sample
    if sample is None:
        if len(header.samples) != 1:
            samples = ", ".join(header.samples[:20]) or "-"
            raise InvalidRequest(SAMPLE_NOT_SAID.at("line 1", count=len(header.samples), samples=samples))
        sample = header.samples[0]
    header.column_of(sample)
    name = sample
    reported = None
    if asked.filters or asked.flags:
        reported = reading.Reported(filters=frozenset(asked.filters), flags=frozenset(asked.flags))

    def read(origin: SourceClass | None) -> Result:
        found = reading.read(data, name, assembly=asked.assembly, origin=origin, reported=reported)
        if len(found.variants) > MOST:
            raise TooCostly(TOO_MANY.at(None, count=len(found.variants), most=MOST))
        subject = {"type": "Patient", "identifier": {"value": name}}
        about = observation.About(subject)
        variants = [observation.observation(each, about) for each in found.variants]
        return Result(_named(variants), found.listed)

    return Opened("vcf", f"vcf {header.version}", (), (("", name),), read, lambda _: "#CHROM", STEPS["vcf"])


__all__ = ["CASE", "KINDS", "LIBRARY", "RESULTS", "STEPS", "Asked", "Made", "Opened", "Result", "logical", "opened"]
