"""A made-up release in the form of SNOMED CT's RF2, of any size; the same for the same seed.

Its words are syllables, its codes are of no namespace that was ever given out. The hierarchy is as wide and as deep as
SNOMED's: chains of some ten steps, one concept in three with a second parent, one in ten of several hundred children.

    python -m tests.terminology.releases.made_up_rf2 FOLDER 400000 1200000
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

ROOT = "138875005"
_MODULE = "900000000000207008"
_IS_A, _FINDING_SITE = "116680003", "363698007"
_FSN, _SYNONYM = "900000000000003001", "900000000000013009"
_PREFERRED, _ACCEPTABLE = "900000000000548007", "900000000000549004"
_US, _FR = "900000000000509007", "10031000315102"
_DATE = "20260101"
_NAMED = "{kind}_{part}Snapshot{language}_INT_20260101.txt"
_HEADERS = {
    "concept": "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId",
    "description": "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId",
    "relationship": "id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId\t"
    "characteristicTypeId\tmodifierId",
    "refset": "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tacceptabilityId",
}
_SYLLABLES = [first + vowel for first in "bdfgklmnprstvz" for vowel in ("a", "e", "i", "o", "u", "é", "è", "an")]


def code_of(number: int) -> str:
    """Return the code of a concept by number; that of 0 is the root's."""
    return ROOT if number == 0 else f"{number}999000"


def write(folder: Path, concepts: int, descriptions: int, seed: int = 5) -> None:
    """Write a release of so many concepts and descriptions: concepts, descriptions, relationships, language."""
    chance = random.Random(seed)
    vocabulary = sorted({"".join(chance.choices(_SYLLABLES, k=chance.choice((2, 3, 3, 4)))) for _ in range(60_000)})
    weights = [1 / (place + 3) ** 0.8 for place in range(len(vocabulary))]
    cumulative = []
    total = 0.0
    for weight in weights:
        total += weight
        cumulative.append(total)
    _concepts(folder, concepts)
    _relationships(folder, concepts, chance)
    _descriptions(folder, concepts, descriptions, chance, vocabulary, cumulative)


def _path(folder: Path, kind: str, part: str, language: str = "") -> Path:
    return folder / _NAMED.format(kind=kind, part=part, language=language)


def _concepts(folder: Path, concepts: int) -> None:
    with _path(folder, "sct2", "Concept_").open("w", encoding="utf-8", newline="") as file:
        file.write(_HEADERS["concept"] + "\r\n")
        for number in range(concepts):
            status = "900000000000073002" if number % 4 == 0 else "900000000000074008"
            file.write(f"{code_of(number)}\t{_DATE}\t1\t{_MODULE}\t{status}\r\n")


def _relationships(folder: Path, concepts: int, chance: random.Random) -> None:
    with _path(folder, "sct2", "Relationship_").open("w", encoding="utf-8", newline="") as file:
        file.write(_HEADERS["relationship"] + "\r\n")
        count = 0
        for number in range(1, concepts):
            parents = {_parent(number, chance)}
            if chance.random() < 0.35:
                parents.add(_parent(number, chance))
            related = [(_IS_A, parent) for parent in sorted(parents)]
            if chance.random() < 0.5:
                related.append((_FINDING_SITE, chance.randrange(min(concepts, 20_000))))
            for type_, target in related:
                count += 1
                file.write(
                    f"{count}999020\t{_DATE}\t1\t{_MODULE}\t{code_of(number)}\t{code_of(target)}\t0\t{type_}\t"
                    "900000000000011006\t900000000000451002\r\n"
                )


def _parent(number: int, chance: random.Random) -> int:
    # Between a tenth and a half of one's own number: some ten steps up to the root, and parents with hundreds below.
    low, high = number // 10, max(1, number // 2)
    return min(number - 1, low + int((high - low) * chance.random() ** 3))


def _descriptions(
    folder: Path, concepts: int, descriptions: int, chance: random.Random, vocabulary: list[str], weights: list[float]
) -> None:
    english = _path(folder, "sct2", "Description_", "-en").open("w", encoding="utf-8", newline="")
    french = _path(folder, "sct2", "Description_", "-fr").open("w", encoding="utf-8", newline="")
    language = _path(folder, "der2_cRefset", "Language", "-en").open("w", encoding="utf-8", newline="")
    with english, french, language:
        for file, header in ((english, "description"), (french, "description"), (language, "refset")):
            file.write(_HEADERS[header] + "\r\n")
        for count in range(descriptions):
            concept, turn = count % concepts, count // concepts
            term = " ".join(chance.choices(vocabulary, cum_weights=weights, k=chance.choice((1, 2, 3, 3, 4, 5))))
            tag, file = ("fr", french) if turn == 2 else ("en", english)
            type_ = _FSN if turn == 0 else _SYNONYM
            id = f"{count + 1}999010"
            shown = f"{term} (finding)" if turn == 0 else term
            file.write(
                f"{id}\t{_DATE}\t1\t{_MODULE}\t{code_of(concept)}\t{tag}\t{type_}\t{shown}\t900000000000448009\r\n"
            )
            refset = _FR if tag == "fr" else _US
            acceptability = _PREFERRED if turn < 3 else _ACCEPTABLE
            if turn:
                language.write(f"m{count}\t{_DATE}\t1\t{_MODULE}\t{refset}\t{id}\t{acceptability}\r\n")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    write(target, int(sys.argv[2]), int(sys.argv[3]))
