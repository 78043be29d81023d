"""Language tags: whether a text is a valid one, by its form and by the subtags that are registered.

"Valid" is RFC 5646's word for: well-formed, every subtag registered, no variant and no extension twice. Whether the
parts go together (a variant after the prefixes it is meant for) is advice there, and not asked here.

Source: BCP 47 (RFC 5646), 2.1 "Syntax", 2.2.9 "Classes of Conformance"; data: `terminology/iana`, which says its date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from fhir_gateway.fhir.data_folder import data_folder

FILE = ("iana", "language-subtags.txt")
_LONGEST = 128  # characters

_FORM = re.compile(
    r"(?P<language>[a-z]{2,8})(?P<extended>(?:-[a-z]{3}){0,3})"
    r"(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)"
    r"(?P<extensions>(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*)"
    r"(?:-x(?:-[a-z0-9]{1,8})+)?"
)
_PRIVATE = re.compile(r"x(?:-[a-z0-9]{1,8})+")
_SINGLETON = re.compile(r"(?<=-)[0-9a-wy-z](?=-)")


@dataclass(frozen=True, slots=True)
class Registry:
    """The subtags there are, in lower case. `extended`: with the language each extends, "zh-yue"."""

    languages: frozenset[str]
    extended: frozenset[str]
    scripts: frozenset[str]
    regions: frozenset[str]
    variants: frozenset[str]
    grandfathered: frozenset[str]


@cache
def registry() -> Registry:
    """Return the registry, read at the first question. Raises: FileNotFoundError when its file is not there."""
    sections: dict[str, list[str]] = {}
    items: list[str] = []
    for line in data_folder("terminology").joinpath(*FILE).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            items = sections.setdefault(line.strip("[]"), [])
        elif not line.startswith("#"):
            items += line.casefold().split()
    return Registry(
        *(_all(sections[name]) for name in ("language", "extlang", "script", "region", "variant", "grandfathered"))
    )


def _all(items: Iterable[str]) -> frozenset[str]:
    """Return subtags with those of each range "qaa..qtz": its letters from the first that differs run to z."""
    found: set[str] = set()
    for item in items:
        first, dots, last = item.partition("..")
        found.update([item] if not dots else _range(first, last))
    return frozenset(found)


def _range(first: str, last: str) -> Iterable[str]:
    made = first
    while True:
        yield made
        if made == last:
            return
        place = len(made) - 1
        while made[place] == "z":
            place -= 1
        made = made[:place] + chr(ord(made[place]) + 1) + "a" * (len(made) - place - 1)


@lru_cache(4096)
def is_language(code: str) -> bool:
    """Tell whether a text is a valid language tag, whatever its case."""
    if len(code) > _LONGEST or not code.isascii():
        return False
    text, known = code.casefold(), registry()
    if text in known.grandfathered or _PRIVATE.fullmatch(text) is not None:
        return True
    tag = _FORM.fullmatch(text)
    if tag is None or tag["language"] not in known.languages:
        return False
    extended = tag["extended"].removeprefix("-")
    variants = tag["variants"].split("-")[1:]
    singletons = _SINGLETON.findall(tag["extensions"] + "-")
    return (
        (not extended or f"{tag['language']}-{extended}" in known.extended)
        and (tag["script"] is None or tag["script"] in known.scripts)
        and (tag["region"] is None or tag["region"] in known.regions)
        and known.variants.issuperset(variants)
        and len(set(variants)) == len(variants)
        and len(set(singletons)) == len(singletons)
    )
