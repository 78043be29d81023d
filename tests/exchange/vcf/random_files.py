"""VCF files as callers write them: multi-allelic, symbolic, breakends, gVCF, haploid, phased, half called.

Source: VCF 4.0 to 4.5, 1.6 (rows), 5 (structural variants); GATK, gVCF (<NON_REF>).
"""

from __future__ import annotations

import random
from typing import Final

LENGTHS: Final = {
    "1": (249250621, 248956422), "X": (155270560, 156040895), "Y": (59373566, 57227415), "MT": (16569, 16569),
}  # fmt: skip
UNKNOWN: Final = "GL000192.1"
_SYMBOLS: Final = ("*", "<DEL>", "<DUP>", "<CNV>", "<NON_REF>", "<INS>", "<*>", "<CN0>", "<DUP:TANDEM>", "<INS:ME:ALU>")
_INFO: Final = (
    ("END", "1", "Integer"), ("SVTYPE", "1", "String"), ("SVLEN", ".", "Integer"), ("AB", ".", "String"),
)  # fmt: skip
_FORMAT: Final = (
    ("GT", "1", "String"), ("AD", "R", "Integer"), ("DP", "1", "Integer"), ("AF", "A", "Float"), ("CN", "1", "Float"),
    ("PS", "1", "Integer"),
)  # fmt: skip


def vcf(draw: random.Random) -> tuple[bytes, dict[str, str]]:
    """Return a file with a sample S, and what its contigs are called: name to chromosome."""
    assembly, is_prefixed = draw.choice([0, 1]), draw.random() < 0.5
    names = {each: f"chr{'M' if each == 'MT' else each}" if is_prefixed else each for each in LENGTHS}
    head = [f"##fileformat=VCFv4.{draw.randint(0, 5)}"]
    head += [f"##contig=<ID={names[each]},length={bases[assembly]}>" for each, bases in LENGTHS.items()]
    head += [f"##contig=<ID={UNKNOWN}>", '##FILTER=<ID=q10,Description="x">']
    head += [f'##INFO=<ID={key},Number={number},Type={kind},Description="x">' for key, number, kind in _INFO]
    head += [f'##FORMAT=<ID={key},Number={number},Type={kind},Description="x">' for key, number, kind in _FORMAT]
    samples = draw.choice([["S"], ["N", "S"], ["S", "T", "U"]])
    head.append("\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples]))
    rows = [_row(draw, names, len(samples)) for _ in range(draw.randint(1, 12))]
    text = draw.choice(["\n", "\n", "\r\n"]).join([*head, *rows, ""])
    return text.encode(), {name: each for each, name in names.items()}


def _row(draw: random.Random, names: dict[str, str], samples: int) -> str:
    chromosome = draw.choice([*names, *names, UNKNOWN])
    position = draw.randint(1, 16000)
    ref = "".join(draw.choices("ACGTacgtN", k=draw.choice([1, 1, 1, 2, 5])))
    alts = list(dict.fromkeys(_alt(draw, names, ref) for _ in range(draw.randint(0, 3))))
    info = []
    if any(each.startswith("<") for each in alts):
        info = [draw.choice([f"END={position + draw.randint(0, 300)}", "SVLEN=-30", "SVTYPE=DEL"])]
    info += draw.choice([[], [], ["AB=a%3Bb%25"], ["UNDECLARED"]])
    keys = draw.choice([["GT"], ["GT", "AD", "DP"], ["GT", "AF"], ["GT", "CN", "PS"], ["DP"]])
    cells = [":".join(_value(draw, key, chromosome, len(alts)) for key in keys) for _ in range(samples)]
    fixed = [names.get(chromosome, UNKNOWN), str(position), draw.choice([".", "rs1"]), ref, ",".join(alts) or ".", "."]
    return "\t".join([*fixed, draw.choice([".", "PASS", "q10"]), ";".join(info) or ".", ":".join(keys), *cells])


def _alt(draw: random.Random, names: dict[str, str], ref: str) -> str:
    ends = [f"{ref[0]}[{names['X']}:500[", f"]{names['1']}:99]{ref[0]}", f"{ref[0]}.", f".{ref[0]}"]
    plain = ["".join(draw.choices("ACGTacgt", k=draw.choice([1, 1, 2, 4]))) for _ in range(8)]
    return draw.choice([*plain, *_SYMBOLS, *ends])


def _value(draw: random.Random, key: str, chromosome: str, alts: int) -> str:
    def allele() -> str:
        return draw.choice([".", *map(str, range(alts + 1)), str(alts), str(alts)])

    if key == "GT":
        is_haploid = chromosome in ("X", "Y", "MT") and draw.random() < 0.5
        return allele() if is_haploid else f"{allele()}{draw.choice('/|')}{allele()}"
    if key == "AD":
        return draw.choice([".", ",".join(str(draw.randint(0, 50)) for _ in range(alts + 1))])
    if key == "AF":
        return draw.choice([".", ",".join(["0.5"] * alts)]) if alts else "."
    return draw.choice([".", "0", "3", "2.5"] if key == "CN" else [".", "30"])
