"""References inside a write: those to entries of the same Bundle are rewritten, the others are told apart.

Source: FHIR R4, RESTful API, "Transaction Processing Rules" and "Conditional References"; Bundle, "Resolving
references in Bundles".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from fhir_gateway.fhir.references import Reference, parse, rewrite_narrative
from fhir_gateway.fhir.structure import Link
from fhir_gateway.store.contract import Key

# The RESTful URL of the standard, cut before the type.
_ROOT = re.compile(r"(https?://.+/)[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-.]{1,64}")
_VERSION = re.compile(r"(.+)/_history/[A-Za-z0-9\-.]{1,64}(#.*)?")


@lru_cache(maxsize=4096)
def root_of(full_url: str | None) -> str:
    """Return the base, with its slash, that relative references beside a RESTful fullUrl start from; else ""."""
    match = _ROOT.fullmatch(full_url) if full_url is not None else None
    return match[1] if match else ""


@dataclass(slots=True)
class Rewriting:
    """What rewriting the links of one resource did and found. Links of kind uri and narrative are only rewritten."""

    originals: list[tuple[Link, str]] = field(default_factory=list)
    versioned: list[tuple[Link, str, str]] = field(default_factory=list)  # link, its fullUrl, "#fragment" or ""
    conditional: list[tuple[Link, Reference]] = field(default_factory=list)
    unresolved: list[tuple[Link, str]] = field(default_factory=list)  # urn:uuid and urn:oid that no entry has
    local: list[tuple[Link, Key]] = field(default_factory=list)  # what they name must be here already

    def undo(self) -> None:
        """Put the texts back that the sender wrote."""
        for link, text in reversed(self.originals):
            container: Any = link.container
            container[link.key] = text
        self.originals.clear()

    def write(self, link: Link, now: str) -> None:
        """Write the text of a link, keeping what was there."""
        container: Any = link.container
        self.originals.append((link, container[link.key]))
        container[link.key] = now


def rewrite(links: list[Link], targets: Mapping[str, str], root: str, base: str) -> Rewriting:
    """Rewrite the links of one resource in place, and return what was done and what is left to do.

    `targets`: each fullUrl of the Bundle with the relative URL its resource has here; `root`: see `root_of`;
    `base`: the service base, below which absolute URLs name resources here too.
    """
    done = Rewriting()
    originals = done.originals
    for link in links:
        container: Any = link.container
        text = container[link.key]
        target = targets.get(text)
        if target is not None:
            originals.append((link, text))
            container[link.key] = target
        elif link.kind == "reference":
            if not text.startswith("#") and not (targets and _in_bundle(done, link, text, targets)):
                _elsewhere(done, link, parse(text, base), targets, root)
        elif not targets:
            continue
        elif link.kind == "uri":
            _in_bundle(done, link, text, targets)
        else:
            rewritten = rewrite_narrative(text, targets)
            if rewritten != text:
                done.write(link, rewritten)
    return done


def _elsewhere(done: Rewriting, link: Link, reference: Reference, targets: Mapping[str, str], root: str) -> None:
    """Note what a reference that is no entry's fullUrl stands for."""
    if reference.form == "local":
        assert reference.type is not None
        assert reference.id is not None
        # "If the reference has the format [type]/[id], and the fullUrl of its entry is RESTful: extract the [root]
        # from the fullUrl, and append the reference; then try to resolve within the bundle."
        if not root or not _in_bundle(done, link, reference.text, targets, root):
            done.local.append((link, (reference.type, reference.id)))
    elif reference.form == "urn":
        done.unresolved.append((link, reference.text))
    elif reference.form == "conditional":
        done.conditional.append((link, reference))


def _in_bundle(done: Rewriting, link: Link, text: str, targets: Mapping[str, str], root: str = "") -> bool:
    """Rewrite a link to an entry, also one with a root before it, a version or a fragment behind it."""
    target = targets.get(root + text) if root else None
    if target is not None:
        done.write(link, target)
        return True
    versioned = _VERSION.fullmatch(text) if "/_history/" in text else None
    if versioned and root + versioned[1] in targets:
        # Which version that is shows when it is written.
        done.versioned.append((link, root + versioned[1], versioned[2] or ""))
        return True
    before, hash_, fragment = text.partition("#")
    target = targets.get(root + before) if hash_ else None
    if target is not None:
        done.write(link, f"{target}#{fragment}")
        return True
    return False
