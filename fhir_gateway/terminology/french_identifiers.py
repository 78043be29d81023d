"""Keys of French identifiers: whether an INS, an RPPS or a FINESS number can be one at all.

A right key says that a number was not mistyped, not that anybody has it.

Source: INS, "Référentiel Identifiant national de santé" (NIR and its key, 97 − n mod 97; Corsica by INSEE's rule);
RPPS and FINESS, key of Luhn (ISO/IEC 7812-1, annex B).
"""

from __future__ import annotations

import re

# Sex or kind (1-4 registered, 7 and 8 waiting), year, month, place of birth (2A and 2B: Corsica), number; key.
_INS = re.compile(r"(?P<number>[1-478][0-9]{4}(?:[0-9]{2}|2[AB])[0-9]{6})(?P<key>[0-9]{2})")
_FINESS = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{7}")
_RPPS = re.compile(r"[0-9]{11}")

# "2A" counts as 19 and "2B" as 18.
_CORSICA = {"2A": "19", "2B": "18"}


def ins_key(number: str) -> str:
    """Return the key of an INS number without it, 13 characters. Raises: ValueError when it has not its form."""
    if _INS.fullmatch(f"{number}00") is None:
        raise ValueError("an INS number has 13 characters: digits, or 2A and 2B as department of birth")
    department = number[5:7]
    digits = number[:5] + _CORSICA.get(department, department) + number[7:]
    return f"{97 - int(digits) % 97:02}"


def is_ins(value: str) -> bool:
    """Tell whether a value is an INS number with its key: 13 characters and 2 digits, without spaces."""
    match = _INS.fullmatch(value)
    return match is not None and match["key"] == ins_key(match["number"])


def luhn_key(digits: str) -> str:
    """Return the digit that the key of Luhn adds to digits."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        worth = int(digit) * (1 if place % 2 else 2)
        total += worth - 9 if worth > 9 else worth
    return str(-total % 10)


def is_rpps(value: str) -> bool:
    """Tell whether a value is an RPPS number with its key: 11 digits."""
    return _RPPS.fullmatch(value) is not None and luhn_key(value[:-1]) == value[-1]


def is_finess(value: str) -> bool:
    """Tell whether a value is a FINESS number with its key: 9 characters; of Corsica, A counts as 1 and B as 2."""
    if _FINESS.fullmatch(value) is None:
        return False
    digits = value.replace("A", "1").replace("B", "2")
    return luhn_key(digits[:-1]) == digits[-1]
