"""Result files of platforms with thirty variants each, all of them new, and the dossiers that they belong to.

Source: GIP-CAD, ser_client-api ("Spice - prescriptions"); VCF 4.3; VEP, INFO field CSQ; Genomics Reporting 3.0.0,
Variant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fhir_gateway.dossier import codes
from fhir_gateway.exchange.auragen.people import LIBRARY
from fhir_gateway.exchange.files import Formats, Wish
from fhir_gateway.exchange.vcf import observation
from fhir_gateway.exchange.vcf.variant import AllelicState, Annotation, Variant
from fhir_gateway.fhir.json import encode
from tests.exchange.auragen.dossiers_at_auragen import TABLES as AURAGEN
from tests.exchange.auragen.dossiers_at_auragen import at_auragen
from tests.exchange.seqoia.dossiers_at_seqoia import TABLES as SEQOIA
from tests.exchange.seqoia.dossiers_at_seqoia import taken

Resource = dict[str, Any]
VARIANTS: Final = 30  # of a result
TABLES: Final = {**AURAGEN, **SEQOIA}
FORMATS: Final = ("vcf", "spice", "fhir")
_AT: Final = "2026-11-22T10:00:00Z"
_SEED: Final = 20
_GENES: Final = ("FBN1", "BRAF", "TP53", "PKD1", "SCN1A", "MECP2")
_CSQ: Final = (
    '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: '
    'Allele|Consequence|IMPACT|SYMBOL|Gene|Feature|HGVSc|HGVSp|HGNC_ID">'
)
_HEAD: Final = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT"


@dataclass(frozen=True, slots=True)
class Case:
    """A dossier without its results. `request`: the id of the proband's; `platform`: the token of who does it;
    `number`: no other dossier has it."""

    resources: list[Resource]
    request: str
    platform: str
    number: int

    def file(self, format: str) -> bytes:
        """Return what the platform sends: a file of a format, for `fhir` a transaction."""
        if format == "vcf":
            return self._vcf()
        return self._transaction() if format == "fhir" else self._spice()

    @property
    def proband(self) -> Resource:
        return next(each for each in self.resources if each["id"] == self.request)

    def _variants(self) -> Iterator[Variant]:
        for at in range(VARIANTS):
            place = 10_000_000 + self.number * 1_000 + at * 7
            gene = _GENES[at % len(_GENES)]
            coding = f"NM_{100000 + self.number:06}.{1 + at % 5}:c.{1 + at * 3}A>{'CGT'[at % 3]}"
            said = Annotation(coding=coding, gene=(f"HGNC:{1000 + at}", gene))
            state: AllelicState = "homozygous" if at % 5 == 0 else "heterozygous"
            yield Variant("GRCh38", str(1 + at % 22), place, place, "A", "CGT"[at % 3], state, 20 + at,
                          f"0.{31 + at}", source="germline", annotation=said, genotype="0/1")  # fmt: skip

    def _vcf(self) -> bytes:
        library = next(
            one["value"]
            for each in self.resources
            if each["resourceType"] == "Specimen" and each["subject"] == self.proband["subject"]
            for one in each["identifier"]
            if one["system"] == LIBRARY
        )
        lines = ["##fileformat=VCFv4.3", "##contig=<ID=chr1,length=248956422,assembly=GRCh38>", _CSQ]
        lines.append(f"{_HEAD}\t{library}")
        for each in self._variants():
            said = each.annotation
            assert said.gene is not None
            identity, symbol = said.gene
            told = f"{each.alt}|missense_variant|MODERATE|{symbol}|ENSG1|NM_1|{said.coding}||{identity}"
            genotype = "1/1" if each.state == "homozygous" else "0/1"
            lines.append(
                f"chr{each.chromosome}\t{each.start}\t.\t{each.ref}\t{each.alt}\t50\tPASS\tAC=1;CSQ={told}\t"
                f"GT:AD:DP\t{genotype}:9,{each.depth}:{9 + (each.depth or 0)}"
            )
        return ("\n".join(lines) + "\n").encode()

    def _observations(self) -> list[Resource]:
        subject = self.proband["subject"]
        tube = next(
            f"Specimen/{each['id']}"
            for each in self.resources
            if each["resourceType"] == "Specimen" and each["subject"] == subject
        )
        system, _, value = self.platform.rpartition("|")
        performer = {"type": "Organization", "identifier": {"system": system, "value": value}}
        about = observation.About(subject, {"reference": tube}, (performer,), "2026-11-20")
        made = [observation.observation(each, about) for each in self._variants()]
        for at, each in enumerate(made):
            name = f"{self.number}-{at}"
            each["identifier"] = [{"system": "https://pfmg.example.org/fhir/identifier/resultat", "value": name}]
        return made

    def _report(self, results: list[str]) -> Resource:
        system, _, value = self.platform.rpartition("|")
        return {
            "resourceType": "DiagnosticReport",
            "identifier": [
                {"system": "https://pfmg.example.org/fhir/identifier/compte-rendu", "value": f"CR-{self.number}"}
            ],
            "basedOn": [{"reference": f"ServiceRequest/{self.request}"}],
            "status": "preliminary",
            "category": [codes.concept("http://terminology.hl7.org/CodeSystem/v2-0074", "GE")],
            "code": codes.concept(codes.LOINC, "51969-4"),
            "subject": self.proband["subject"],
            "effectiveDateTime": "2026-11-20",
            "performer": [{"type": "Organization", "identifier": {"system": system, "value": value}}],
            "result": [{"reference": each} for each in results],
        }

    def _transaction(self) -> bytes:
        found = self._observations()
        based = [{"reference": f"ServiceRequest/{self.request}"}]
        urls = [f"urn:uuid:00000000-0000-4000-8000-{at:012}" for at in range(len(found) + 1)]
        resources = [{**each, "basedOn": based} for each in found]
        resources.append(self._report(urls[:-1]))
        entries = [
            {"fullUrl": url, "resource": each, "request": {"method": "POST", "url": each["resourceType"]}}
            for url, each in zip(urls, resources, strict=True)
        ]
        return encode({"resourceType": "Bundle", "type": "transaction", "entry": entries})

    def _spice(self) -> bytes:
        found = self._observations()
        for at, each in enumerate(found):
            each["id"] = f"v-{self.number}-{at}"
        report = {**self._report([f"Observation/{each['id']}" for each in found]), "id": f"r-{self.number}"}
        held = [*self.resources, *found, report]
        file = Formats(TABLES).write("seqoia", held, Wish(_AT))
        if file.data is None:
            raise RuntimeError("; ".join(each.text() for each in file.issues if each.severity == "error"))
        return file.data


def cases(number: int) -> list[Case]:
    """Return so many dossiers of rare diseases with the numbers of both platforms, in progress, without a report."""
    made = []
    for place, each in enumerate(at_auragen(4 * number + 20, _SEED)):
        held = taken(each, place)
        proband = next(
            one for one in held if one["resourceType"] == "ServiceRequest" and "proband" in str(one["category"])
        )
        if proband["status"] != "active" or any(one["resourceType"] == "DiagnosticReport" for one in held):
            continue
        platform = proband["performer"][0]["identifier"]
        made.append(Case(held, proband["id"], f"{platform['system']}|{platform['value']}", place))
        if len(made) == number:
            return made
    raise RuntimeError(f"{len(made)} dossiers, not {number}")
