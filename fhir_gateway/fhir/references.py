"""References: what a reference's text points to, and links in narrative.

Source: FHIR R4, References, "Literal References" and "Regular expression for literal references"; RESTful API,
transaction, "Conditional references"; Narrative.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import Literal

Form = Literal["local", "absolute", "urn", "fragment", "conditional", "unknown"]

_ID = r"[A-Za-z0-9\-.]{1,64}"
_TYPE = r"[A-Z][A-Za-z]{1,63}"
_LITERAL = re.compile(rf"(https?://(?:[A-Za-z0-9\-\\.:%$_~]*/)+)?({_TYPE})/({_ID})(?:/_history/({_ID}))?")
_CONDITIONAL = re.compile(rf"({_TYPE})\?(.+)", re.DOTALL)
_ABSOLUTE = re.compile(r"https?://\S+")
_URN = re.compile(r"urn:(?:uuid|oid):\S+")


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference, taken apart.

    `form`: "local" names a resource of this server (`type`, `id`, perhaps `version`), written relative or under the
    server's own base; "absolute" a URL elsewhere (`type` and `id` where it looks like a RESTful server's); "urn" an
    urn:uuid or urn:oid; "fragment" a contained resource (`id`; "" is the container itself); "conditional" a search
    (`type`, `query`); "unknown" none of these.
    """

    form: Form
    text: str
    type: str | None = None
    id: str | None = None
    version: str | None = None
    query: str | None = None


@lru_cache(maxsize=16_384)
def parse(reference: str, base: str) -> Reference:
    """Return the parts of a Reference.reference, as seen by the server whose base URL (no trailing slash) is `base`.

    Whether `type` is a resource type is not asked here. Never raises: what cannot be taken apart is "unknown".
    Source: FHIR R4, References, "Literal References".
    """
    if reference.startswith("#"):
        return Reference("fragment", reference, id=reference[1:])
    if reference.startswith("urn:"):
        return Reference("urn" if _URN.fullmatch(reference) else "unknown", reference)
    is_own = bool(base) and reference.startswith(f"{base}/")
    text = reference[len(base) + 1 :] if is_own else reference
    match = _LITERAL.fullmatch(text)
    if match is not None:
        server, type, id, version = match.groups()
        return Reference("local" if server is None else "absolute", reference, type, id, version)
    condition = _CONDITIONAL.fullmatch(text)
    if condition is not None:
        return Reference("conditional", reference, type=condition[1], query=condition[2])
    # An own URL that names no resource is an address all the same, as is any URL elsewhere.
    return Reference("absolute" if _ABSOLUTE.fullmatch(reference) else "unknown", reference)


# Comments, CDATA sections and instructions hold no tags. A tag holds no "<", so no text is looked at twice, and an
# unclosed comment reaches to the end: a hostile narrative takes no longer than its length.
_LINKING_TAGS = re.compile(
    r"""<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)|<(a|img)(?=\s)(?:[^<>"']|"[^"<]*"|'[^'<]*')*>""",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""(\s)([^\s=/>"'<]+)(\s*=\s*)("[^"<]*"|'[^'<]*')""")
_LINKING_ATTRIBUTE = {"a": "href", "img": "src"}


def rewrite_narrative(div: str, mapping: Mapping[str, str]) -> str:
    """Return a narrative with each <a href> and <img src> that equals a key of `mapping` replaced by its value.

    Everything else stays as it is, byte for byte.
    Source: FHIR R4, RESTful API, transaction: "… <a href="" & <img src="" in the narrative".
    """

    def rewritten_tag(tag: re.Match[str]) -> str:
        if tag[1] is None:
            return tag[0]
        linking = _LINKING_ATTRIBUTE[tag[1]]

        def rewritten_attribute(attribute: re.Match[str]) -> str:
            space, name, equals, quoted = attribute.groups()
            target = mapping.get(unescape(quoted[1:-1])) if name == linking else None
            if target is None:
                return attribute[0]
            return f'{space}{name}{equals}"{_as_attribute(target)}"'

        return _ATTRIBUTE.sub(rewritten_attribute, tag[0])

    return _LINKING_TAGS.sub(rewritten_tag, div)


def _as_attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
