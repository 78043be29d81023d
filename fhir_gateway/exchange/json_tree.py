"""Bytes as a JSON object, whoever sent them: no depth that a reader could fall from, no key that hides another.

Source: RFC 8259, 4 ("The names within an object SHOULD be unique"), 8.1 (a byte order mark may be ignored), 9 ("An
implementation may set limits on the maximum depth of nesting").
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

DEEPEST: Final = 64  # files of this field have ten levels
_BOM: Final = b"\xef\xbb\xbf"
# Escapes of control characters, which no text of FHIR may hold: \b, \f, \u0000 to \u001F but tab and ends of lines.
_CONTROL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\(?:[bf]|u00(?:0[0-8bBcCeEfF]|1[0-9a-fA-F]))")
_DECODER: Final = msgspec.json.Decoder()


def json_object(data: bytes, decoder: msgspec.json.Decoder[Any] = _DECODER) -> dict[str, Any]:
    """Return the JSON object that bytes are, a byte order mark before it passed over.

    Raises: ValueError, saying what they are instead: nested too deep, a key twice (its pointer), a number that nobody
    can hold, a control character in a text, among it.
    """
    data = data.removeprefix(_BOM)
    try:
        tree = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
    except ArithmeticError:
        raise ValueError("a number with too many digits or too large an exponent") from None
    except RecursionError:
        raise ValueError(f"nested deeper than {DEEPEST} levels") from None
    if not isinstance(tree, dict):
        raise ValueError(type(tree).__name__)
    if (control := _CONTROL.search(data)) is not None:
        raise ValueError(f"a text holds a control character (byte {control.start()})")
    level: list[Any] = [tree]
    keys = 0
    for _ in range(DEEPEST):
        keys += sum(len(one) for one in level if isinstance(one, dict))
        level = [each for one in level for each in (one.values() if isinstance(one, dict) else one)]
        level = [each for each in level if isinstance(each, dict | list)]
        if not level:
            # Every key ends so; where a text does too, or a blank stands between, the whole is read again.
            if data.count(b'":') != keys:
                _each_key_once(data)
            return tree
    raise ValueError(f"nested deeper than {DEEPEST} levels")


class _Twice(dict[str, Any]):
    """An object in which a key stands twice."""

    key: str


def _each_key_once(data: bytes) -> None:
    found = []

    def held(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) == len(pairs):
            return made
        twice = _Twice(made)
        names = [name for name, _ in pairs]
        twice.key = next(name for name in names if names.count(name) > 1)
        found.append(twice)
        return twice

    tree = json.loads(data, object_pairs_hook=held, parse_int=str, parse_float=str)
    if found:
        raise ValueError(f"the key {_pointer(tree, found[0])} stands twice")


def _pointer(tree: Any, twice: _Twice) -> str:
    """Return where the key stands that an object has twice."""
    waiting: list[tuple[str, Any]] = [("", tree)]
    while waiting:
        where, value = waiting.pop()
        if value is twice:
            where = f"{where}/{twice.key.replace('~', '~0').replace('/', '~1')}"
            break
        members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        waiting += ((f"{where}/{str(name).replace('~', '~0').replace('/', '~1')}", each) for name, each in members)
    return where
