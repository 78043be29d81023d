"""The chromosomes of GRCh37 and GRCh38: names in files, lengths, RefSeq accessions, LOINC answers.

Source: NCBI Assembly reports GCF_000001405.13 (GRCh37) and GCF_000001405.26 (GRCh38); the mitochondrion of both is the
revised Cambridge sequence NC_012920.1; LOINC answer list LL2938-0 (chromosomes; it has no mitochondrion).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

Assembly = Literal["GRCh37", "GRCh38"]
ASSEMBLIES: Final[tuple[Assembly, ...]] = get_args(Assembly)
MITOCHONDRION: Final = "M"

# Name: version of the accession and length in GRCh37, then in GRCh38.
_TABLE: Final[Mapping[str, tuple[int, int, int, int]]] = {
    "1": (10, 249250621, 11, 248956422),
    "2": (11, 243199373, 12, 242193529),
    "3": (11, 198022430, 12, 198295559),
    "4": (11, 191154276, 12, 190214555),
    "5": (9, 180915260, 10, 181538259),
    "6": (11, 171115067, 12, 170805979),
    "7": (13, 159138663, 14, 159345973),
    "8": (10, 146364022, 11, 145138636),
    "9": (11, 141213431, 12, 138394717),
    "10": (10, 135534747, 11, 133797422),
    "11": (9, 135006516, 10, 135086622),
    "12": (11, 133851895, 12, 133275309),
    "13": (10, 115169878, 11, 114364328),
    "14": (8, 107349540, 9, 107043718),
    "15": (9, 102531392, 10, 101991189),
    "16": (9, 90354753, 10, 90338345),
    "17": (10, 81195210, 11, 83257441),
    "18": (9, 78077248, 10, 80373285),
    "19": (9, 59128983, 10, 58617616),
    "20": (10, 63025520, 11, 64444167),
    "21": (8, 48129895, 9, 46709983),
    "22": (10, 51304566, 11, 50818468),
    "X": (10, 155270560, 11, 156040895),
    "Y": (9, 59373566, 10, 57227415),
}
NAMES: Final = (*_TABLE, MITOCHONDRION)
ORDER: Final[Mapping[str, int]] = {name: place for place, name in enumerate(NAMES)}

_ACCESSIONS: Final[Mapping[Assembly, Mapping[str, str]]] = {
    assembly: {
        **{name: f"NC_{number:06}.{row[2 * place]}" for number, (name, row) in enumerate(_TABLE.items(), 1)},
        MITOCHONDRION: "NC_012920.1",
    }
    for place, assembly in enumerate(ASSEMBLIES)
}
_LENGTHS: Final[Mapping[Assembly, Mapping[str, int]]] = {
    assembly: {**{name: row[2 * place + 1] for name, row in _TABLE.items()}, MITOCHONDRION: 16569}
    for place, assembly in enumerate(ASSEMBLIES)
}
_NAME_OF: Final[Mapping[str, str]] = {
    accession: name for table in _ACCESSIONS.values() for name, accession in table.items()
}
_ALIASES: Final[Mapping[str, str]] = {
    **{name: name for name in NAMES},
    **{f"chr{name}": name for name in NAMES},
    **_NAME_OF,
    "MT": MITOCHONDRION,
    "chrMT": MITOCHONDRION,
    "23": "X",
    "24": "Y",
}
# LL2938-0 numbers its answers in the order of the chromosomes; the last digit is a check digit.
_ANSWERS: Final = (
    "LA21254-0", "LA21255-7", "LA21256-5", "LA21257-3", "LA21258-1", "LA21259-9", "LA21260-7", "LA21261-5",
    "LA21262-3", "LA21263-1", "LA21264-9", "LA21265-6", "LA21266-4", "LA21267-2", "LA21268-0", "LA21269-8",
    "LA21270-6", "LA21271-4", "LA21272-2", "LA21273-0", "LA21274-8", "LA21275-5", "LA21276-3", "LA21277-1",
)  # fmt: skip
CHROMOSOME_ANSWERS: Final[Mapping[str, str]] = dict(zip(_TABLE, _ANSWERS, strict=True))
ASSEMBLY_ANSWERS: Final[Mapping[Assembly, str]] = {"GRCh37": "LA14029-5", "GRCh38": "LA26806-2"}


def chromosome(contig: str) -> str | None:
    """Return the name 1 to 22, X, Y or M of a contig as files write it ("chr1", "1", "NC_000001.11", "MT")."""
    return _ALIASES.get(contig)


def accession(assembly: Assembly, name: str) -> str:
    """Return the RefSeq accession with version of a chromosome named 1 to 22, X, Y or M."""
    return _ACCESSIONS[assembly][name]


def length(assembly: Assembly, name: str) -> int:
    """Return the length of a chromosome, in bases."""
    return _LENGTHS[assembly][name]


def assembly_of_accession(text: str) -> Assembly | None:
    """Return the assembly that an accession belongs to; None when it is of both (mitochondrion) or of none."""
    found = [each for each in ASSEMBLIES if text in _ACCESSIONS[each].values()]
    return found[0] if len(found) == 1 else None


def assembly_of_length(name: str, bases: int) -> Assembly | None:
    """Return the one assembly whose chromosome `name` is so long; None when that tells nothing."""
    found = [each for each in ASSEMBLIES if _LENGTHS[each].get(name) == bases]
    return found[0] if len(found) == 1 else None
