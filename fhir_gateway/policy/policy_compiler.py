"""From the policy file to the policy: groups resolved, every right checked against the definitions, flat tables made.

Source: `politique.yaml`; FHIR R4, TypeRestfulInteraction, ResourceType, the StructureDefinitions of the types.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import get_args

from fhir_gateway.conformance.definitions import Definitions
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.policy import policy_complaints as complaints
from fhir_gateway.policy.actor import ROLES
from fhir_gateway.policy.policy import ANYWHERE, BadPolicy, Key, Policy, Right, Scope, Words, Written
from fhir_gateway.policy.policy_file import KINDS, Kind, RightEntry, Sheet, Word, read
from fhir_gateway.policy.statuses import statuses_of
from fhir_gateway.store.index.access import DIRECTORY

SEEING = ("read", "vread", "history-instance", "history-type", "search-type")
INTERACTIONS = (*SEEING, "create", "update", "patch", "delete")
# Those of this gateway, and those that come with the dossier.
OPERATIONS = (
    "$validate", "$everything", "$graph", "$meta", "$meta-add", "$meta-delete", "$expand", "$validate-code",
    "$batch-validate-code", "$lookup", "$subsumes", "$translate", "$purge", "$reindex", "$explain",
    "$submit", "$a-completer", "$statistiques", "$suivi", "$completude", "$decision", "$dossier", "$import-result",
    "$correspondance",
)  # fmt: skip
EVERY_TYPE = "tous-les-types"
_SCOPES: tuple[Scope, ...] = get_args(Scope)
# The keys that narrow a right, with the interactions that they narrow.
_NARROWED = {
    "champs": ("create", "update", "patch"),
    "depuis": ("update", "patch", "delete"),
    "vers": ("create", "update", "patch"),
}
_KIND_WORDS: dict[Kind, tuple[str, str]] = {
    "interactions": ("an interaction of R4 with a type", "une interaction de R4 avec un type"),
    "types": ("a resource type of R4", "un type de ressource de R4"),
    "opérations": ("an operation of this gateway", "une opération de cette passerelle"),
    "éléments": ("an element of a resource of R4", "un élément d'une ressource de R4"),
}
Grant = tuple[str, str, Right]  # interaction or operation, type, right


def compiled(files: Sequence[Path], definitions: Definitions, statuses: bool) -> Policy:
    """Return the policy of files, the later laid over the earlier.

    `statuses`: whether statuses are checked too, which reads a fifth of a second of definitions.
    Raises: BadPolicy with all that is wrong.
    """
    sheet, issues = Sheet(), []
    for file in files:
        laid, found = read(file)
        issues += found
        sheet.lay(laid)
    compiler = _Compiler(sheet, definitions, files[-1].name, statuses)
    policy = compiler.policy()
    issues += compiler.issues
    if issues:
        told = {(issue.complaint.detail, *issue.values.values()): issue for issue in issues}
        raise BadPolicy(list(told.values()))
    return policy


class _Compiler:
    def __init__(self, sheet: Sheet, definitions: Definitions, file: str, statuses: bool) -> None:
        self.sheet = sheet
        self.definitions = definitions
        self.file = file
        self.checks_statuses = statuses
        self.known_statuses: dict[str, frozenset[str] | None] = {}
        self.issues: list[Issue] = []
        resources = definitions.types.resources
        # The elements of each type by their FHIRPath names, with their JSON names: value: valueString, valueCode …
        self.elements: dict[str, dict[str, set[str]]] = {type: {} for type in resources}
        for type, elements in self.elements.items():
            for element in definitions.types.types[type].elements.values():
                elements.setdefault(element.definition.removesuffix("[x]"), set()).add(element.name)
        self.atoms: dict[Kind, frozenset[str]] = {
            "interactions": frozenset(INTERACTIONS),
            "types": frozenset(resources),
            "opérations": frozenset(OPERATIONS),
            "éléments": frozenset().union(*self.elements.values()),
        }
        self.groups: dict[Kind, dict[str, tuple[str, ...]]] = {kind: {} for kind in KINDS}

    def policy(self) -> Policy:
        for kind in KINDS:
            for name, (word, members) in self.sheet.groups[kind].items():
                if name in self.atoms[kind] or name == EVERY_TYPE:
                    en, fr = _KIND_WORDS[kind] if name != EVERY_TYPE else ("all types", "tous les types")
                    self.issues.append(complaints.GROUP_NAME_TAKEN.at(at=word.at, name=name, kind=en, kind_fr=fr))
                else:
                    self.groups[kind][name] = tuple(dict.fromkeys(self.resolved(kind, members, (name,))))
        acts, operations = self.tables()
        everyone = () if self.sheet.everyone is None else self.sheet.everyone
        words = {
            role: Words(entry.label, entry.reason, entry.source, tuple(map(_written, entry.rights)))
            for role, entry in self.sheet.roles.items()
        }
        resources = self.definitions.types.resources
        groups = {str(kind): named for kind, named in self.groups.items()}
        return Policy(acts, operations, resources, words, tuple(map(_written, everyone)), groups)

    def tables(self) -> tuple[dict[Key, Right], dict[Key, Right]]:
        """Return the rights to interactions and to operations by role, act and type."""
        tables: tuple[dict[Key, Right], dict[Key, Right]] = ({}, {})
        everyone = [(entry, self.grants(entry)) for entry in self.sheet.everyone or ()]
        for role, said in self.sheet.roles.items():
            if role not in ROLES:
                self.issues.append(complaints.UNKNOWN_ROLE.at(at=said.at, role=role, known=", ".join(ROLES)))
            places: dict[Key, str] = {}
            for entry, grants in (*everyone, *((entry, self.grants(entry)) for entry in said.rights)):
                table = tables[entry.operations is not None]
                contradicted: set[str] = set()
                for act, type, right in grants:
                    key = (role, act, type)
                    otherwise = _otherwise(table, key, right)
                    if otherwise is None:
                        table[key] = right
                        places.setdefault(key, entry.at)
                    elif (other := places[otherwise]) not in contradicted:
                        contradicted.add(other)
                        what = f"{act} {'' if type == ANYWHERE else type}".strip()
                        self.issues.append(complaints.CONTRADICTION.at(at=entry.at, role=role, act=what, other=other))
            self.check_sight(role, tables[0], places)
        missing = [role for role in ROLES if role not in self.sheet.roles]
        self.issues += [complaints.MISSING_ROLE.at(at=f"{self.file}:1", role=role) for role in missing]
        return tables

    def check_sight(self, role: str, acts: dict[Key, Right], places: dict[Key, str]) -> None:
        """Refuse a role that sees all of some types and only its organisation's part of others.

        Chains and includes cross between types, so what a role sees is narrowed as a whole. The directory is open to
        all whatever the policy says.
        """
        seen = {
            key: right.scope
            for key, right in acts.items()
            if key[0] == role and key[1] in SEEING and key[2] not in DIRECTORY
        }
        whole = [key for key, scope in seen.items() if scope == "tout"]
        if whole and len(whole) < len(seen):
            self.meaningless(
                Word("tout", places[whole[0]]),
                "the role sees its organisation's part of other types, and chains and includes cross between types",
                "le rôle voit d'autres types dans les limites de son organisation, et chaînes et inclusions passent de "
                "l'un à l'autre",
            )

    def grants(self, entry: RightEntry) -> list[Grant]:
        """Return what a right of the file gives, having said what is wrong with it."""
        scope = self.scope(entry)
        types = [ANYWHERE] if entry.types is None else list(self.resolved("types", entry.types))
        if entry.operations is not None:
            self.check_needed(entry, ())
            names = self.resolved("opérations", entry.operations)
            return [(name.removeprefix("$"), type, Right(scope)) for name in names for type in types]
        codes = list(self.resolved("interactions", entry.interactions or ()))
        self.check_needed(entry, codes)
        if entry.scope is not None and scope == "aucune" and not set(codes) <= set(SEEING):
            self.meaningless(entry.scope, "what is written belongs to somebody", "ce qui s'écrit est à quelqu'un")
        fields = None if entry.fields is None else frozenset(self.resolved("éléments", entry.fields))
        self.check_elements(entry, types, fields)
        before, after = _texts(entry.before), _texts(entry.after)
        found: list[Grant] = []
        for type in self.atoms["types"].intersection(types):
            json_names = self.json_names(type, fields or ())
            for code in codes:
                changing = fields is not None and code in _NARROWED["champs"]
                right = Right(
                    scope,
                    fields if changing else None,
                    before if code in _NARROWED["depuis"] else None,
                    after if code in _NARROWED["vers"] else None,
                    json_names if changing else frozenset(),
                )
                found.append((code, type, right))
        return found

    def scope(self, entry: RightEntry) -> Scope:
        for scope in _SCOPES:
            if entry.scope is not None and entry.scope.text == scope:
                return scope
        if entry.scope is not None:
            known = ", ".join(_SCOPES)
            self.issues.append(complaints.UNKNOWN_KEY.at(at=entry.scope.at, key=entry.scope.text, known=known))
        return "aucune"  # what is wrong is not used

    def check_needed(self, entry: RightEntry, codes: Iterable[str]) -> None:
        given = {"champs": entry.fields, "depuis": entry.before, "vers": entry.after}
        for key, words in given.items():
            if words is not None and not set(codes) & set(_NARROWED[key]):
                acts = ", ".join(_NARROWED[key])
                self.issues.append(complaints.NEEDLESS_KEY.at(at=entry.at, key=key, acts=acts))

    def check_elements(self, entry: RightEntry, types: Iterable[str], fields: Iterable[str] | None) -> None:
        statuses = [*(entry.before or ()), *(entry.after or ())]
        for type in types:
            elements = self.elements.get(type, {})
            wanted = [*(fields or ()), *(["status"] if statuses else [])]
            for element in wanted:
                if element in self.atoms["éléments"] and element not in elements:
                    self.issues.append(complaints.ABSENT_ELEMENT.at(at=entry.at, type=type, element=element))
            known = self.statuses_of(type) if statuses and "status" in elements else None
            if known is None:
                continue
            listed = ", ".join(sorted(known))
            self.issues += [
                complaints.UNKNOWN_STATUS.at(at=word.at, code=word.text, type=type, known=listed)
                for word in statuses
                if word.text not in known
            ]

    def statuses_of(self, type: str) -> frozenset[str] | None:
        if not self.checks_statuses:
            return None
        if type not in self.known_statuses:
            self.known_statuses[type] = statuses_of(self.definitions, type)
        return self.known_statuses[type]

    def json_names(self, type: str, fields: Iterable[str]) -> frozenset[str]:
        return frozenset(name for field in fields for name in self.elements[type].get(field, ()))

    def resolved(self, kind: Kind, words: Iterable[Word], within: tuple[str, ...] = ()) -> Iterator[str]:
        """Yield what words name, those in groups too; `within`: the groups that are being looked into."""
        for word in words:
            if word.text in self.atoms[kind]:
                yield word.text
            elif kind == "types" and word.text == EVERY_TYPE:
                yield from self.definitions.types.resources
            elif word.text in within:
                self.issues.append(complaints.GROUP_CIRCLE.at(at=word.at, name=word.text))
            elif word.text in self.sheet.groups[kind]:
                yield from self.resolved(kind, self.sheet.groups[kind][word.text][1], (*within, word.text))
            else:
                self.issues.append(self.unknown(kind, word))

    def unknown(self, kind: Kind, word: Word) -> Issue:
        en, fr = _KIND_WORDS[kind]
        near = get_close_matches(word.text, [*self.atoms[kind], *self.sheet.groups[kind]], 1)
        return complaints.UNKNOWN_NAME.at(
            at=word.at,
            name=word.text,
            kind=en,
            kind_fr=fr,
            nearest=f"; is {near[0]} meant?" if near else "",
            nearest_fr=f" ; est-ce {near[0]} ?" if near else "",
        )

    def meaningless(self, scope: Word, reason: str, reason_fr: str) -> None:
        self.issues.append(
            complaints.SCOPE_MEANINGLESS.at(at=scope.at, scope=scope.text, reason=reason, reason_fr=reason_fr)
        )


def _otherwise(table: Mapping[Key, Right], key: Key, right: Right) -> Key | None:
    """Return what a table says otherwise of the same act and type; an operation's right may hold for all types."""
    role, act, type = key
    every = type == ANYWHERE
    asked = [each for each in table if each[:2] == (role, act)] if every else [key, (role, act, ANYWHERE)]
    return next((each for each in asked if table.get(each, right) != right), None)


def _texts(words: Iterable[Word] | None) -> frozenset[str] | None:
    return None if words is None else frozenset(word.text for word in words)


def _written(entry: RightEntry) -> Written:
    def texts(words: Iterable[Word] | None) -> tuple[str, ...]:
        return () if words is None else tuple(word.text for word in words)

    acts = texts(entry.interactions if entry.operations is None else entry.operations)
    scope = "" if entry.scope is None else entry.scope.text
    return Written(acts, texts(entry.types), scope, texts(entry.fields), texts(entry.before), texts(entry.after))
