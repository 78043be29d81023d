"""What the list of code systems needs of each: read from its bytes without its concepts.

Source: FHIR R4, CodeSystem; TerminologyCapabilities, "codeSystem".
"""

from __future__ import annotations

import msgspec


class Head(msgspec.Struct, omit_defaults=True):
    """As much of a conformance resource as it is found and listed by."""

    url: str = ""
    version: str | None = None
    content: str = "complete"
    valueSet: str | None = None
    supplements: str | None = None


head = msgspec.json.Decoder(Head).decode
