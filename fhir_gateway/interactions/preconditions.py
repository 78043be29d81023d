"""Entity tags and dates as conditions: If-Match, If-None-Match, If-Modified-Since.

Source: FHIR R4, RESTful API, "Managing Resource Contention", "conditional read"; RFC 9110, 13.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fhir_gateway.fhir.outcome import InvalidRequest, Issue
from fhir_gateway.fhir.primitives import SECOND, instant_of, instant_of_http_date
from fhir_gateway.interactions import complaints
from fhir_gateway.interactions.interaction import Conditions
from fhir_gateway.store.contract import Key, Version

# W/"3" as FHIR writes it; "3" and a bare 3, which many clients send, mean the same version.
_TAG = re.compile(r'(?:W/)?(?:"([A-Za-z0-9\-.]{1,64})"|([A-Za-z0-9\-.]{1,64}))')

Expression = Callable[[str], str | None]  # the FHIRPath expression of a condition, by its name in Bundle.entry.request


def versions_in(header: str) -> frozenset[str] | None:
    """Return the versions that an If-Match or If-None-Match header names; None when it is no list of entity tags.

    "*" comes back as itself.
    """
    if header.strip() == "*":
        return frozenset("*")
    found = [_TAG.fullmatch(tag.strip()) for tag in header.split(",")]
    if not all(found):
        return None
    return frozenset(match[1] or match[2] for match in found if match is not None)


def malformed(conditions: Conditions, at: Expression) -> list[Issue]:
    """Return an issue for each of If-Match and If-None-Match that is no list of entity tags."""
    issues = []
    for name, header, sent, star in (
        ("ifMatch", "If-Match", conditions.if_match, ""),
        ("ifNoneMatch", "If-None-Match", conditions.if_none_match, ", or *"),
    ):
        if sent is not None and versions_in(sent) is None:
            issues.append(complaints.ETAG_MALFORMED.at(at(name), header=header, sent=sent, star=star))
    return issues


def refusals(conditions: Conditions, key: Key, current: Version | None, at: Expression) -> list[Issue]:
    """Return why a write must not be carried out on `current` (the version now stored, also a tombstone).

    If-Match asks for a current version named there; If-None-Match: * for none at all (create only), and
    If-None-Match: W/"3" for another version than 3.

    Raises: InvalidRequest when a header is no list of entity tags.
    """
    if issues := malformed(conditions, at):
        raise InvalidRequest(*issues)
    type, id = key
    vid = None if current is None or current.deleted else current.vid
    issues = []
    if conditions.if_match is not None:
        versions = versions_in(conditions.if_match) or frozenset()
        if vid is None:
            sent = conditions.if_match
            issues.append(complaints.IF_MATCH_ABSENT.at(at("ifMatch"), type=type, id=id, sent=sent))
        elif "*" not in versions and str(vid) not in versions:
            issues.append(
                complaints.IF_MATCH_STALE.at(at("ifMatch"), type=type, id=id, current=vid, sent=conditions.if_match)
            )
    if conditions.if_none_match is not None and vid is not None:
        versions = versions_in(conditions.if_none_match) or frozenset()
        if "*" in versions or str(vid) in versions:
            sent = conditions.if_none_match
            issues.append(
                complaints.IF_NONE_MATCH_EXISTS.at(at("ifNoneMatch"), type=type, id=id, current=vid, sent=sent)
            )
    return issues


def unmodified(conditions: Conditions, version: Version) -> bool:
    """Return whether a read may be answered with 304: the client has this version already.

    If-None-Match goes before If-Modified-Since, and a header that is malformed is ignored (RFC 9110, 13.1.2, 13.1.3).
    """
    if conditions.if_none_match is not None:
        versions = versions_in(conditions.if_none_match)
        return versions is not None and ("*" in versions or str(version.vid) in versions)
    if conditions.if_modified_since is None:
        return False
    since = instant_of_http_date(conditions.if_modified_since)
    if since is not None:
        # An HTTP date has whole seconds, as Last-Modified had when it was given out.
        return version.last_updated // SECOND * SECOND <= since
    try:
        return version.last_updated <= instant_of(conditions.if_modified_since)
    except InvalidRequest:
        return False
