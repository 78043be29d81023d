"""The tree of elements of a StructureDefinition, as its differential and as its snapshot: one row an element.

Source: FHIR R4, Formats, "Logical Table"; ElementDefinition.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fhir_gateway.guide.contents import Contents, Resource
from fhir_gateway.guide.facts import title_of
from fhir_gateway.guide.markup import Child, Html, between, code, element, joined, row, table
from fhir_gateway.guide.page import link
from fhir_gateway.guide.said import Language, language_of, marked, said, told
from fhir_gateway.guide.words import colon, word

_DEEPEST: Final = 7  # levels that are shifted; deeper ones stand with these


class Tree:
    """The elements of one StructureDefinition, and what each says in one language."""

    def __init__(self, contents: Contents, structure: Resource, language: Language) -> None:
        self._contents = contents
        self._language = language
        self._own_language = language_of(structure)
        base = contents.known("StructureDefinition", str(structure.get("baseDefinition", "")))
        self._base_language = "en" if base is None else language_of(base) or "en"
        self.changed: dict[str, Resource] = {
            str(each.get("id", each.get("path"))): each for each in structure.get("differential", {}).get("element", ())
        }
        self.elements: list[Resource] = list(structure.get("snapshot", {}).get("element", ()))
        self._whole = {str(each.get("id", each.get("path"))): each for each in self.elements}

    def differential(self) -> Html:
        """Return the elements that the profile changes, each with all that holds for it."""
        rows = (self._row({**self._whole.get(id, {}), **each}, id, self.changed) for id, each in self.changed.items())
        return self._table(rows, "differential")

    def snapshot(self) -> Html:
        """Return all elements."""
        return self._table(
            (self._row(each, str(each.get("id", each.get("path"))), self._whole) for each in self.elements), "snapshot"
        )

    def _table(self, rows: Iterator[Html], name: str) -> Html:
        heads = [word(each, self._language) for each in ("element", "flags", "cardinality", "type", "description")]
        return table(word(name, self._language), heads, rows, class_="tree")

    def _row(self, each: Resource, id: str, shown: Mapping[str, Resource]) -> Html:
        change = self.changed.get(id, {})
        above = _above(id, shown)
        depth = min(len(above), _DEEPEST)
        own = id.removeprefix(f"{above[-1]}.") if above else id
        name = element("code", own, class_="slice" if ":" in own else None)
        return row(
            element("div", name, class_=f"d{depth}") if depth else name,
            self._flags(each),
            self._shade(_cardinality(each), change, "min", "max"),
            self._shade(self._types(each), change, "type"),
            self._description(each, id, change),
            class_=None if change else "inherited",
        )

    def _shade(self, content: Child, change: Resource, *names: str) -> Html:
        return (
            joined(content) if any(name in change for name in names) else element("span", content, class_="inherited")
        )

    def _flags(self, each: Resource) -> Html:
        flags = (
            ("S", "s", each.get("mustSupport") is True),
            ("?!", "m", each.get("isModifier") is True),
            ("Σ", "sum", each.get("isSummary") is True),
            ("C", "c", any(not _is_general(one) for one in each.get("constraint", ()))),
        )
        return between(
            " ", (element("abbr", sign, title=word(name, self._language)) for sign, name, holds in flags if holds)
        )

    def _types(self, each: Resource) -> Html:
        if "contentReference" in each:
            return code(str(each["contentReference"]))
        return between(element("br"), (self._type(type) for type in each.get("type", ())))

    def _type(self, type: Resource) -> Html:
        name = str(type.get("code", "")).rpartition("/")[2]
        profiles = [self.structure(str(url)) for url in type.get("profile", ())]
        targets = [self.structure(str(url)) for url in type.get("targetProfile", ())]
        return joined(
            between(" | ", profiles) if profiles else code(name),
            ("(", element("wbr"), between(" | ", targets), ")") if targets else None,
        )

    def structure(self, url: str) -> Html:
        """Return a link to the page of a StructureDefinition, or its short name where it has none here."""
        name = self._contents.page_of("StructureDefinition", url)
        short = url.rpartition("/")[2]
        return code(short) if name is None else link(name, code(short))

    # --- the last column

    def _description(self, each: Resource, id: str, change: Resource) -> Html:
        parts = (
            self._short(each, change),
            self._slicing(each),
            self._binding(each),
            self._values(each),
            self._keys(each),
        )
        return between(element("br"), (part for part in parts if part))

    def _short(self, each: Resource, change: Resource) -> Child:
        if "short" not in change and (extension := self._extension(each)) is not None:
            return title_of(extension, self._language)[0]
        own = self._own_language if "short" in change else self._base_language
        found = told(each, "short", self._language, own)
        return found if found is None or "short" in change else element("span", found, class_="inherited")

    def _extension(self, each: Resource) -> Resource | None:
        """Return the extension that an element is, where it has a page."""
        for type in each.get("type", ()):
            for url in type.get("profile", ()):
                name = self._contents.page_of("StructureDefinition", str(url))
                if name is not None:
                    return self._contents.pages[name]
        return None

    def _slicing(self, each: Resource) -> Child:
        slicing = each.get("slicing")
        if not isinstance(slicing, Mapping):
            return None
        by = ", ".join(f"{one.get('type')}:{one.get('path')}" for one in slicing.get("discriminator", ()))
        ordered = f", {word('ordered', self._language)}" if slicing.get("ordered") is True else ""
        return joined(word("sliced_by", self._language), " ", code(by or "–"), f" ({slicing.get('rules')}{ordered})")

    def _binding(self, each: Resource) -> Child:
        binding = each.get("binding")
        if not isinstance(binding, Mapping) or "valueSet" not in binding:
            return None
        return joined(
            word("binding", self._language),
            colon(self._language),
            value_set(self._contents, str(binding["valueSet"]), self._language),
            f" ({binding.get('strength')})",
        )

    def _values(self, each: Resource) -> Child:
        found = [
            joined(
                word("fixed" if name.startswith("fixed") else "pattern", self._language),
                colon(self._language),
                self._value(value),
            )
            for name, value in each.items()
            if name.startswith(("fixed", "pattern"))
        ]
        return between(element("br"), found) if found else None

    def _value(self, value: Any) -> Html:
        """Return a fixed value or a pattern; of the systems that have a page here, with the way there."""
        codings = value.get("coding", [value]) if isinstance(value, Mapping) else []
        if codings and all(each.keys() <= {"system", "code"} and "code" in each for each in codings):
            return between(", ", map(self._coding, codings))
        content = code(_plain(value))
        if not isinstance(value, str):
            return content
        pages = (self._contents.page_of(kind, value) for kind in ("NamingSystem", "CodeSystem"))
        page = next((each for each in pages if each is not None), None)
        return content if page is None else link(page, content)

    def _coding(self, coding: Resource) -> Html:
        """Return a code with its system: a link where the system has a page."""
        url = str(coding.get("system", ""))
        page = self._contents.page_of("CodeSystem", url)
        system = code(url) if page is None else link(page, code(url.rpartition("/")[2]))
        return joined(code(str(coding["code"])), (" (", system, ")") if url else None)

    def _keys(self, each: Resource) -> Child:
        keys = [str(one.get("key")) for one in each.get("constraint", ()) if not _is_general(one)]
        return between(" ", (element("a", code(key), href=f"#{anchor(key)}") for key in keys)) if keys else None

    # --- what stands beside the tree

    def invariants(self, own: bool) -> Html:
        """Return the invariants that the profile states itself, or those that it inherits."""
        places: dict[str, list[str]] = {}
        constraints: dict[str, Resource] = {}
        stated = {str(one.get("key")) for each in self.changed.values() for one in each.get("constraint", ())}
        for each in (*self.changed.values(), *self.elements):
            for one in each.get("constraint", ()):
                key = str(one.get("key"))
                constraints.setdefault(key, one)
                path = str(each.get("id", each.get("path")))
                if path not in places.setdefault(key, []):
                    places[key].append(path)
        wanted = {key: one for key, one in constraints.items() if (key in stated) is own}
        caption = word("own_invariants" if own else "inherited_invariants", self._language)
        if not wanted:
            return self._nothing(caption, "none")
        heads = [word(name, self._language) for name in ("key", "severity", "rule", "expression", "where")]
        rows = (self._invariant(key, one, places[key], own) for key, one in wanted.items())
        return table(caption, heads, rows, class_="keys")

    def _invariant(self, key: str, one: Resource, places: list[str], own: bool) -> Html:
        proof = self._contents.proof_of(key) if own else None
        language = self._own_language if own else "en"
        return row(
            code(key) if proof is None else link(proof, code(key)),
            severity(str(one.get("severity", "")), self._language),
            _both(one, self._language, language),
            element("code", str(one.get("expression", "–")), class_="long"),
            joined(
                between(", ", (code(place) for place in places[:3])), f" … (+{len(places) - 3})" if places[3:] else None
            ),
            id=anchor(key),
        )

    def bindings(self, own: bool) -> Html:
        """Return the bindings that the profile states itself, or those that it inherits."""
        ids = self.changed if own else self._whole
        stated = {id for id, each in self.changed.items() if "binding" in each}
        rows = [
            self._bound(id, {**self._whole.get(id, {}).get("binding", {}), **each["binding"]})
            for id, each in ids.items()
            if "binding" in each and (id in stated) is own
        ]
        caption = word("own_bindings" if own else "inherited_bindings", self._language)
        if not rows:
            return self._nothing(caption, "none_f")
        heads = [word(name, self._language) for name in ("element", "strength", "value_set", "meaning")]
        return table(caption, heads, rows)

    def _nothing(self, caption: str, none: str) -> Html:
        text = joined(caption, colon(self._language), word(none, self._language).lower())
        return element("div", element("p", text), class_="wide")

    def _bound(self, id: str, binding: Resource) -> Html:
        return row(
            code(id),
            strength_of(binding, self._language),
            value_set(self._contents, str(binding["valueSet"]), self._language) if "valueSet" in binding else "–",
            told(binding, "description", self._language, self._base_language),
        )


def _above(id: str, shown: Mapping[str, Resource]) -> list[str]:
    """Return what an element is part of, from the root down, as far as it is shown."""
    parts = id.split(".")
    return [above for above in (".".join(parts[:end]) for end in range(1, len(parts))) if above in shown]


def anchor(key: str) -> str:
    """Return where an invariant stands on its page."""
    return "inv-" + "".join(each if each.isalnum() or each in "-." else "_" for each in key)


def value_set(contents: Contents, url: str, language: Language) -> Html:
    """Return a link to the page of a value set; its url where it is not known here, which is told."""
    name = contents.page_of("ValueSet", url)
    if name is None:
        return joined(code(url), " ", element("span", word("not_carried", language), class_="note"))
    return link(name, code(url.partition("|")[0].rpartition("/")[2]))


def strength_of(binding: Resource, language: Language) -> str:
    strength = str(binding.get("strength", ""))
    known = {"required": "required", "extensible": "extensible", "preferred": "preferred"}
    if strength == "example":
        return word("example_strength", language)
    return word(known[strength], language) if strength in known else strength


def severity(told: str, language: Language) -> Html:
    if told not in ("error", "warning"):
        return joined(told)
    return element("span", word(told, language), class_=told)


def _both(one: Resource, language: Language, own: str | None) -> Html:
    """Return what an invariant says: in the language of the page, and then in the other, where it says both."""
    other: Language = "en" if language == "fr" else "fr"
    first, second = said(one, "human", language, own), said(one, "human", other, own)
    if first is None:
        return joined("–")
    if second is None or second[0] == first[0]:
        return marked(*first)
    return joined(marked(*first), element("br"), element("span", second[0], lang=other, class_="note"))


def _cardinality(each: Resource) -> str:
    return f"{each.get('min', '')}..{each.get('max', '')}" if "min" in each or "max" in each else ""


def _is_general(constraint: Resource) -> bool:
    """Tell whether every element or resource has a constraint anyway."""
    return str(constraint.get("key", "")).startswith(("ele-", "ext-", "dom-"))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
