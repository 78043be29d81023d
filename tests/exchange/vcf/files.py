"""VCF files for tests: a header by its parts, rows with tabs."""

from __future__ import annotations

from fhir_gateway.exchange.vcf.contigs import Assembly
from fhir_gateway.exchange.vcf.reading import Read, Reported, read
from fhir_gateway.exchange.vcf.variant import SourceClass

HEAD = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT"


def vcf(*rows: str, samples: str = "TUMEUR", meta: tuple[str, ...] = (), version: str = "4.2") -> bytes:
    """Return a file; in rows and samples a space stands for a tab."""
    head = "\t".join((HEAD, *samples.split()))
    body = [row.replace(" ", "\t") for row in rows]
    return ("\n".join((f"##fileformat=VCFv{version}", *meta, head, *body)) + "\n").encode()


def read_rows(
    *rows: str,
    meta: tuple[str, ...] = (),
    assembly: Assembly | None = "GRCh38",
    origin: SourceClass | None = None,
    reported: Reported | None = None,
    ungenotyped: bool = False,
) -> Read:
    data = vcf(*rows, meta=meta)
    return read(data, "TUMEUR", assembly=assembly, origin=origin, reported=reported, ungenotyped=ungenotyped)


def details(found: Read) -> list[str]:
    return [issue.complaint.detail for issue in found.listed]
