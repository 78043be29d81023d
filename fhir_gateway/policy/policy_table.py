"""The policy as a page for people: a table of roles and families of types, then each role with its reason and rights.

Source: `politique.yaml`; SMART App Launch 2.2.0, "Scopes and Launch Context", for the letters c, r, u, d, s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fhir_gateway.fhir.outcome import Language
from fhir_gateway.policy.policy import Policy, Right, Written

_LETTERS = {"c": ("create",), "r": ("read", "vread"), "u": ("update", "patch"), "d": ("delete",), "s": ("search-type",)}
_TEXTS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "title": "What each role may do",
        "key": "c create, r read, u update or patch, d delete, s search. A capital: on every type of the family, "
        "without limits of elements or statuses. -: nothing.",
        "role": "role",
        "scope": "scope of reading",
        "everyone": "Every role",
        "groups": "Groups",
        "on": "on",
        "everywhere": "everywhere",
        "colon": ":",
        "semicolon": "; ",
        "source": "Source",
    },
    "fr": {
        "title": "Ce que peut chaque rôle",
        "key": "c créer, r lire, u modifier, d supprimer, s chercher. Une capitale : sur tous les types de la famille, "
        "sans limite d'éléments ni de status. - : rien.",
        "role": "rôle",
        "scope": "portée en lecture",
        "everyone": "Tous les rôles",
        "groups": "Groupes",
        "on": "sur",
        "everywhere": "partout",
        "colon": " :",
        "semicolon": " ; ",
        "source": "Source",
    },
}
_SCOPE: Mapping[Language, str] = {"en": "scope", "fr": "portée"}


def table(policy: Policy, language: Language = "en") -> str:
    """Return the whole policy as Markdown, in the words of its file."""
    return "\n".join(_lines(policy, language)) + "\n"


def _lines(policy: Policy, language: Language) -> Iterator[str]:
    texts = _TEXTS[language]
    yield f"# {texts['title']}"
    yield ""
    yield from _overview(policy, texts)
    yield ""
    yield texts["key"]
    yield ""
    yield f"## {texts['everyone']}"
    yield ""
    yield from (_line(right, language) for right in policy.everyone)
    for role, words in policy.words.items():
        yield ""
        yield f"## {words.label[language]} ({role})"
        yield ""
        yield words.reason[language]
        yield f"{texts['source']}{texts['colon']} {words.source}"
        yield ""
        yield from (_line(right, language) for right in words.rights)
    yield ""
    yield f"## {texts['groups']}"
    yield ""
    for groups in policy.groups.values():
        yield from (f"- {name}{texts['colon']} {', '.join(members)}" for name, members in groups.items())


def _line(right: Written, language: Language) -> str:
    texts = _TEXTS[language]
    where = f"{texts['on']} {', '.join(right.types)}" if right.types else texts["everywhere"]
    limits = [
        f"{key} {', '.join(words)}"
        for key, words in (("champs", right.fields), ("depuis", right.before), ("vers", right.after))
        if words
    ]
    return texts["semicolon"].join([f"- {', '.join(right.acts)} {where}", f"{_SCOPE[language]} {right.scope}", *limits])


def _overview(policy: Policy, texts: Mapping[str, str]) -> Iterator[str]:
    families = _families(policy)
    rows = [[texts["role"], texts["scope"], *families]]
    for role in policy.words:
        letters = ["".join(_letter(policy, role, letter, types) for letter in _LETTERS) for types in families.values()]
        rows.append([role, _reading(policy, role), *(each or "-" for each in letters)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        if number == 0:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"


def _families(policy: Policy) -> dict[str, tuple[str, ...]]:
    """Return the groups of types that hold no type of an earlier one: the families; and what is in none of them.

    A group that is made of others comes after them in the file.
    """
    found: dict[str, tuple[str, ...]] = {}
    taken: set[str] = set()
    for name, types in policy.groups["types"].items():
        if taken.isdisjoint(types):
            found[name] = types
            taken.update(types)
    rest = tuple(type for type in policy.resources if type not in taken)
    return {**found, "…": rest} if rest else found


def _letter(policy: Policy, role: str, letter: str, types: tuple[str, ...]) -> str:
    rights = [policy.right(role, code, type) for code in _LETTERS[letter] for type in types]
    if not any(rights):
        return ""
    return letter.upper() if all(right is not None and _whole(right) for right in rights) else letter


def _whole(right: Right) -> bool:
    return right.fields is None and right.before is None and right.after is None


def _reading(policy: Policy, role: str) -> str:
    """Return by which scopes a role reads what is not open to everyone."""
    public = {type for written in policy.everyone for group in written.types for type in _types(policy, group)}
    rights = (policy.right(role, "read", type) for type in policy.resources if type not in public)
    return ", ".join(dict.fromkeys(right.scope for right in rights if right is not None)) or "aucune"


def _types(policy: Policy, name: str) -> tuple[str, ...]:
    return policy.groups["types"].get(name, (name,))
