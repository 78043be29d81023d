"""PED: a line for each person, six columns and more, to a Pedigree and back.

family, individual, father, mother, sex (1 male, 2 female, other), phenotype (1 unaffected, 2 affected, 0, -9 unknown).

Source: PLINK 1.9, "PED/FAM"; GATK, "PED or FAM format".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fhir_gateway.exchange.pedigree import complaints
from fhir_gateway.exchange.pedigree.pedigree import Individual, Pedigree, Sex, check
from fhir_gateway.fhir.outcome import Issue, Unprocessable

UNKNOWN: Final = frozenset({"0", "-9", ""})
HEADER: Final = "#family\tindividual\tfather\tmother\tsex\tphenotype"
# What is written; reading takes any other sex than 1 and 2 that is not unknown for "other" (PLINK, GATK).
SEXES: Final[dict[Sex | None, str]] = {"male": "1", "female": "2", "other": "other", None: "0"}
PHENOTYPES: Final[dict[bool | None, str]] = {False: "1", True: "2", None: "0"}
_OF_SEX: Final[dict[str, Sex]] = {"1": "male", "2": "female"}
_OF_PHENOTYPE: Final = {"1": False, "2": True, "0": None, "-9": None}
_SEX_WORDS: Final = frozenset({"1", "2", "other", "unknown", "3", *UNKNOWN})
_HEAD: Final = 64 * 1024  # bytes that are looked at to know a file


@dataclass(frozen=True, slots=True)
class Read:
    """A pedigree that was read, and what else was told. `extra`: the columns after the sixth, by individual."""

    pedigree: Pedigree
    issues: tuple[Issue, ...]
    extra: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    columns: tuple[str, ...]

    @property
    def place(self) -> str:
        return f"line {self.number}"


def read(data: bytes) -> Read:
    """Return the pedigree of a PED file.

    A line with a tab is divided by tabs, any other by blanks; "#" begins a comment line; empty lines are passed over.
    Raises: Unprocessable with all that is wrong: not text, too few columns, nobody, several families, cycles.
    """
    lines = list(_lines(data))
    wrong = [issue for line in lines for issue in _unfit(line)]
    whole = [line for line in lines if len(line.columns) >= 6]
    people = [_individual(line) for line in whole]
    families = dict.fromkeys(line.columns[0] for line in whole)
    if len(families) > 1:
        wrong.append(complaints.FAMILIES.at(families=", ".join(families)))
    issues = [*wrong, *check(people)] if people or not lines else wrong
    if any(issue.severity == "error" for issue in issues):
        raise Unprocessable(*issues)
    extra = {line.columns[1]: line.columns[6:] for line in whole if len(line.columns) > 6}
    if extra:
        issues.append(complaints.EXTRA_COLUMNS.at(count=sum(map(len, extra.values()))))
    return Read(Pedigree(next(iter(families)), tuple(people)), tuple(issues), extra)


def is_ped(data: bytes) -> bool:
    """Tell whether a file may be a PED file: text whose first line beside comments has six columns, the last two of
    which say sex and phenotype."""
    try:
        text = data[:_HEAD].decode("utf-8-sig", "strict" if len(data) <= _HEAD else "ignore")
    except UnicodeDecodeError:
        return False
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            columns = [each.strip() for each in (line.split("\t") if "\t" in line else line.split())]
            return len(columns) >= 6 and columns[4] in _SEX_WORDS and columns[5] in _OF_PHENOTYPE
    return False


def _lines(data: bytes) -> Iterator[_Line]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unprocessable(complaints.NOT_TEXT.at(byte=error.start)) from error
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            divided = line.split("\t") if "\t" in line else line.split()
            yield _Line(number, tuple(each.strip() for each in divided))


def _unfit(line: _Line) -> Iterator[Issue]:
    if len(line.columns) < 6:
        yield complaints.TOO_FEW_COLUMNS.at(line.place, line=line.number, count=len(line.columns))
        return
    if line.columns[1] in UNKNOWN:
        yield complaints.NO_INDIVIDUAL.at(line.place, line=line.number)
    if line.columns[5] not in _OF_PHENOTYPE:
        values = {"value": line.columns[5], "individual": line.columns[1], "line": line.number}
        yield complaints.PHENOTYPE_UNKNOWN.at(line.place, **values)


def _individual(line: _Line) -> Individual:
    _, id, father, mother, sex, phenotype = line.columns[:6]
    return Individual(
        id,
        None if father in UNKNOWN else father,
        None if mother in UNKNOWN else mother,
        None if sex in UNKNOWN else _OF_SEX.get(sex, "other"),
        _OF_PHENOTYPE.get(phenotype),
        line.place,
    )


def write(pedigree: Pedigree, header: bool = True) -> bytes:
    """Return a pedigree as a PED file: six columns, tabs, "0" for a parent who is not known, LF at the end of lines.

    `header`: whether the first line is a comment that names the columns.
    Raises: Unprocessable when the pedigree is wrong, or an identifier cannot stand in a PED file.
    """
    names = dict.fromkeys(
        [pedigree.family, *(id for each in pedigree.people for id in (each.id, each.father, each.mother) if id)]
    )
    wrong = [complaints.UNFIT_IDENTIFIER.at(identifier=name) for name in names if not _fits(name)]
    wrong += [issue for issue in check(pedigree.people) if issue.severity == "error"]
    if wrong:
        raise Unprocessable(*wrong)
    lines = [HEADER] if header else []
    lines += ["\t".join(_columns(pedigree.family, person)) for person in pedigree.people]
    return "".join(f"{line}\n" for line in lines).encode()


def _columns(family: str, person: Individual) -> tuple[str, ...]:
    parents = (person.father or "0", person.mother or "0")
    return (family, person.id, *parents, SEXES[person.sex], PHENOTYPES[person.is_affected])


def _fits(name: str) -> bool:
    return name not in UNKNOWN and not name.startswith("#") and len(name.split()) == 1 and name == name.strip()
