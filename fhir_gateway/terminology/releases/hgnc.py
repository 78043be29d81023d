"""The HUGO Gene Nomenclature Committee's complete set, as text or JSON.

The display of a gene is its approved symbol; its approved name, aliases and earlier symbols are designations.

Source: HGNC, "Statistics and download files", hgnc_complete_set.txt and .json, "Column headings".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.terminology.releases import complaints
from fhir_gateway.terminology.releases.files import File, json_of, malformed, tab_rows
from fhir_gateway.terminology.releases.release import Declaration, Faults, Name, Place, Property, Release, Released

URL = "http://www.genenames.org/geneId"
_CODE = re.compile(r"HGNC:\d+")
_STRINGS = ("location", "ena", "refseq_accession", "uniprot_ids", "omim_id", "mane_select", "gene_group")
_CODES = ("locus_group", "locus_type", "status", "entrez_id", "ensembl_gene_id")
_DECLARATIONS: Sequence[Declaration] = (
    {"code": "inactive", "uri": "http://hl7.org/fhir/concept-properties#inactive", "type": "boolean"},
    *({"code": code, "description": f"Column {code} of the complete set", "type": "code"} for code in _CODES),
    *({"code": code, "description": f"Column {code} of the complete set", "type": "string"} for code in _STRINGS),
)
_NAMES = ("alias_symbol", "alias_name", "prev_symbol", "prev_name")
_NEEDED = ("hgnc_id", "symbol", "name", "status")
_CHANGES = ("date_modified", "date_approved_reserved")

Gene = tuple[int, dict[str, Any]]


def read(files: Sequence[File], version: str | None) -> Release:
    """Return the genes. The version, where none is given, is the latest date of a change.

    Raises: Unprocessable.
    """
    source = next((file for file in files if file.name.endswith((".txt", ".tsv", ".json"))), None)
    if source is None:
        raise Unprocessable(complaints.FILE_ABSENT.at(what="HGNC", pattern="hgnc_complete_set.txt, .json"))
    genes = list(_documents(source) if source.name.endswith(".json") else _rows(source))
    if version is None:
        version = max((str(gene.get(column) or "") for _, gene in genes for column in _CHANGES), default="")[:10]
        if not version:
            raise Unprocessable(complaints.VERSION_ABSENT.at(file=source.name))
    return Release(
        URL, version, "HGNC gene nomenclature", "en", _concepts(source, genes), declarations=_DECLARATIONS,
        copyright="HGNC, https://www.genenames.org/",
    )  # fmt: skip


def _rows(source: File) -> Iterator[Gene]:
    faults = Faults()
    for number, row in tab_rows(source, faults, _NEEDED, "HGNC complete set"):
        yield number, {column: _listed(value) for column, value in row.items() if value}
    faults.settle()


def _listed(value: str) -> Any:
    """Return a cell as a list where several values stand in it, in quotation marks and with bars between."""
    bare = value.strip('"')
    return bare.split("|") if "|" in bare else bare


def _documents(source: File) -> Iterator[Gene]:
    document = json_of(source)
    try:
        documents = document["response"]["docs"]
    except (KeyError, TypeError) as error:
        reason = "there is no response with docs", "il n'y a pas de response avec docs"
        raise Unprocessable(malformed(source, 1, *reason)) from error
    return enumerate(documents, start=1)


def _concepts(source: File, genes: Iterable[Gene]) -> Iterator[Released]:
    faults = Faults()
    for line, gene in genes:
        code, symbol = gene.get("hgnc_id"), gene.get("symbol")
        if not isinstance(code, str) or _CODE.fullmatch(code) is None or not symbol:
            reason = f"a gene needs an id HGNC:n and a symbol; here '{code}', '{symbol}'"
            reason_fr = f"un gène a un identifiant HGNC:n et un symbole ; ici « {code} », « {symbol} »"
            faults.add(malformed(source, line, reason, reason_fr))
            continue
        names: list[Name] = []
        if gene.get("name"):
            names.append(("en", "fully-specified", " ".join(_several(gene["name"]))))
        names += [("en", "synonym", each) for column in _NAMES for each in _several(gene.get(column))]
        properties: list[Property] = [
            (column, kind, each)
            for columns, kind in ((_CODES, "code"), (_STRINGS, "string"))
            for column in columns
            for each in _several(gene.get(column))
        ]
        inactive = "withdrawn" in str(gene.get("status", "")).casefold()
        yield Released(code, symbol, None, names, properties, (), inactive, Place(source.name, line))
    faults.settle()


def _several(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    return [str(each).strip('"') for each in value] if isinstance(value, list) else [str(value)]
