"""Whether words that somebody types are found in what a code is called, for the codes a value set lists one by one.

Source: FHIR R4, ValueSet, "$expand", filter ("the server should … provide matching results in an appropriate order").
"""

from __future__ import annotations

from fhir_gateway.terminology.words.folding import words


class Matcher:
    """The words that are looked for."""

    def __init__(self, text: str) -> None:
        self._wanted = words(text)

    def finds(self, *names: str) -> bool:
        """Tell whether each of the words begins a word of one of the names."""
        for name in names:
            there = words(name)
            if all(any(word.startswith(wanted) for word in there) for wanted in self._wanted):
                return True
        return False
