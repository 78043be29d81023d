"""What a message says laid over what is stored: it replaces what it speaks of and leaves what it is silent about.

A field that a message leaves empty says nothing; `""` asks that what is known be deleted. Identifiers are added to
those there are, each once; extensions take the place of those of the same url; another list is replaced as a whole, as
the field that it came from is.

Source: HL7 v2.5.1, chapter 2, 2.7.1 (empty fields, `""`); chapter 3, 3.3.8 and 3.3.40; PAM France 2.11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Resource = dict[str, Any]

_KEPT = frozenset({"resourceType", "id", "contained"})
_OPEN = frozenset({"planned", "arrived", "triaged", "in-progress", "onleave"})  # statuses of a stay that has no end
_MERGED = frozenset({"period", "hospitalization"})  # whose parts come from several messages
# Elements of several types: one of them at a time.
_CHOICES = (
    "deceased",
    "multipleBirth",
    "value",
    "effective",
    "occurrence",
    "onset",
    "abatement",
    "performed",
    "serviced",
)
_FIRST = re.compile(r"([A-Za-z]+)(?:\[([^\]]*)\])?")


def laid(stored: Resource, made: Resource, deleted: Iterable[str] = ()) -> Resource:
    """Return `stored` with what `made` says; both stay as they are. `deleted`: paths of rules whose source is `""`."""
    result = {**stored}
    for path in deleted:
        _delete(result, made, path)
    for name, value in made.items():
        if name not in _KEPT:
            _forget_other_types(result, name)
            result[name] = _joined(name, stored.get(name), value)
            if not name.startswith("_") and f"_{name}" not in made:
                result.pop(f"_{name}", None)
    if made.get("status") in _OPEN and result["resourceType"] == "Encounter":
        _reopen(result, made)
    return _with_contained(result, stored, made)


def _delete(result: Resource, made: Resource, path: str) -> None:
    found = _FIRST.match(path)
    if found is None:
        return
    name, which = found.groups()
    if name in ("identifier", "link") or name in made:
        return
    if name == "extension":
        kept = [
            each for each in result.get(name, ()) if each["url"].rpartition("/")[2] != (which or "").rpartition("/")[2]
        ]
        if kept:
            result[name] = kept
        else:
            result.pop(name, None)
        return
    result.pop(name, None)
    result.pop(f"_{name}", None)


def _forget_other_types(result: Resource, name: str) -> None:
    for choice in _CHOICES:
        if name.startswith(choice) and name[len(choice) : len(choice) + 1].isupper():
            for other in [each for each in result if each.lstrip("_").startswith(choice) and each.lstrip("_") != name]:
                if other.lstrip("_")[len(choice) : len(choice) + 1].isupper():
                    del result[other]


def _joined(name: str, stored: Any, made: Any) -> Any:
    if stored is None:
        return made
    if name == "identifier" and isinstance(stored, list):
        return _by(stored, made, _identity, lambda was, now: _use_kept(was, now))
    if name in ("extension", "modifierExtension"):
        urls = {each["url"] for each in made}
        return [*(each for each in stored if each["url"] not in urls), *made]
    if name == "link":
        return [*stored, *(each for each in made if each not in stored)]
    if name == "meta":
        return _meta(stored, made)
    if name in _MERGED and isinstance(stored, dict):
        return {**stored, **made}
    return made


def _identity(identifier: Mapping[str, Any]) -> Any:
    return (identifier.get("system"), identifier.get("value")) if "value" in identifier else id(identifier)


def _by(stored: Sequence[Any], made: Sequence[Any], key: Any, both: Any) -> list[Any]:
    """Return both lists as one: what is in both stands where it stood."""
    new = {key(each): each for each in made}
    kept = [both(each, new.pop(key(each))) if key(each) in new else each for each in stored]
    return [*kept, *new.values()]


def _use_kept(stored: Resource, made: Resource) -> Resource:
    """An identifier that was retired stays so: a later message under it is about who has it no longer."""
    return {**made, "use": "old"} if stored.get("use") == "old" else made


def _meta(stored: Resource, made: Resource) -> Resource:
    joined = {**stored}
    for name, value in made.items():
        was = joined.get(name)
        joined[name] = [*was, *(each for each in value if each not in was)] if isinstance(was, list) else value
    return joined


def _reopen(result: Resource, made: Resource) -> None:
    """Who is there has not left: the end that a cancelled discharge gave goes."""
    period = result.get("period")
    if isinstance(period, dict) and "end" in period and "end" not in made.get("period", {}):
        result["period"] = {key: value for key, value in period.items() if key != "end"}


def _with_contained(result: Resource, stored: Resource, made: Resource) -> Resource:
    """Take along what is contained and still named; of two of one name that which was stored is renamed."""
    new = {each["id"]: each for each in made.get("contained", ())}
    old = {each["id"]: each for each in stored.get("contained", ())}
    result.pop("contained", None)
    if not old:
        return {**result, "contained": list(new.values())} if new else result
    left = {name: value for name, value in result.items() if name not in made}
    named = _named(left, old)
    names: dict[str, str] = {}
    for name in named:
        if name in new and new[name] != old[name]:
            free = (f"k{number}" for number in range(1, 10_000))
            names[name] = next(
                each for each in free if each not in new and each not in old and each not in names.values()
            )
    kept = [each for name, each in old.items() if name in named and not (name in new and name not in names)]
    if names:
        result |= {name: _renamed(value, names) for name, value in left.items()}
        kept = [{**_renamed(each, names), "id": names.get(each["id"], each["id"])} for each in kept]
    contained = [*kept, *new.values()]
    return {**result, "contained": contained} if contained else result


def _named(value: Any, old: Mapping[str, Any]) -> set[str]:
    """Return the names of what is contained that a value refers to, and what that refers to."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            reference = each.get("reference")
            if (
                isinstance(reference, str)
                and reference[:1] == "#"
                and reference[1:] in old
                and reference[1:] not in found
            ):
                found.add(reference[1:])
                waiting.append(old[reference[1:]])
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return found


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        made = {key: _renamed(each, names) for key, each in value.items()}
        reference = made.get("reference")
        if isinstance(reference, str) and reference[:1] == "#" and reference[1:] in names:
            made["reference"] = f"#{names[reference[1:]]}"
        return made
    return [_renamed(each, names) for each in value] if isinstance(value, list) else value
