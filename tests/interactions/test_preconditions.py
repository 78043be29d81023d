"""Entity tags and dates.

Source: FHIR R4, RESTful API, "Managing Resource Contention", "conditional read"; RFC 9110, 13.1.
"""

from __future__ import annotations

import pytest

from fhir_gateway.interactions.interaction import Conditions
from fhir_gateway.interactions.preconditions import refusals, unmodified, versions_in
from fhir_gateway.store.contract import Version

AT = 1_700_000_000_250_000  # 2023-11-14T22:13:20.25Z
V3 = Version("Patient", "1", 7, 3, AT, False, b"{}")
TOMBSTONE = Version("Patient", "1", 7, 4, AT, True, b"")


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        ('W/"3"', {"3"}),
        ('"3"', {"3"}),
        ("3", {"3"}),
        ('W/"3", W/"4"', {"3", "4"}),
        ("*", {"*"}),
        (" * ", {"*"}),
        ("", None),
        ('W/"3', None),
        ('W/"3",', None),
        ('w/"3"', None),
        ('W/"a b"', None),
    ],
)
def test_a_header_names_versions(header: str, versions: set[str] | None) -> None:
    assert versions_in(header) == (None if versions is None else frozenset(versions))


@pytest.mark.parametrize(
    ("conditions", "current", "details"),
    [
        (Conditions(), V3, []),
        (Conditions(if_match='W/"3"'), V3, []),
        (Conditions(if_match="*"), V3, []),
        (Conditions(if_match='W/"2", W/"3"'), V3, []),
        (Conditions(if_match='W/"2"'), V3, ["if-match-stale"]),
        (Conditions(if_match='W/"3"'), None, ["if-match-absent"]),
        (Conditions(if_match='W/"4"'), TOMBSTONE, ["if-match-absent"]),
        (Conditions(if_match="*"), TOMBSTONE, ["if-match-absent"]),
        (Conditions(if_none_match="*"), V3, ["if-none-match-exists"]),
        (Conditions(if_none_match='W/"3"'), V3, ["if-none-match-exists"]),
        (Conditions(if_none_match='W/"2"'), V3, []),
        (Conditions(if_none_match="*"), None, []),
        (Conditions(if_none_match="*"), TOMBSTONE, []),
        (Conditions(if_match='W/"2"', if_none_match="*"), V3, ["if-match-stale", "if-none-match-exists"]),
    ],
)
def test_a_write_is_refused_by_its_preconditions(
    conditions: Conditions, current: Version | None, details: list[str]
) -> None:
    issues = refusals(conditions, ("Patient", "1"), current, lambda name: None)
    assert [issue.complaint.detail for issue in issues] == details


@pytest.mark.parametrize(
    ("conditions", "same"),
    [
        (Conditions(), False),
        (Conditions(if_none_match='W/"3"'), True),
        (Conditions(if_none_match='W/"1", W/"3"'), True),
        (Conditions(if_none_match="*"), True),
        (Conditions(if_none_match='W/"2"'), False),
        (Conditions(if_none_match="no tag at all"), False),
        (Conditions(if_modified_since="Tue, 14 Nov 2023 22:13:20 GMT"), True),
        (Conditions(if_modified_since="Tue, 14 Nov 2023 22:13:19 GMT"), False),
        (Conditions(if_modified_since="Tue, 14 Nov 2023 22:13:21 GMT"), True),
        (Conditions(if_modified_since="yesterday"), False),
        # Inside a Bundle it is an instant.
        (Conditions(if_modified_since="2023-11-14T22:13:20.25Z"), True),
        (Conditions(if_modified_since="2023-11-14T22:13:20.249Z"), False),
        (Conditions(if_modified_since="2023-11-14T23:13:20.25+01:00"), True),
        # "A recipient MUST ignore If-Modified-Since if the request contains an If-None-Match header field."
        (Conditions(if_none_match='W/"2"', if_modified_since="Tue, 14 Nov 2023 22:13:20 GMT"), False),
    ],
)
def test_a_read_is_answered_with_304_when_the_sender_has_the_version(conditions: Conditions, same: bool) -> None:
    assert unmodified(conditions, V3) is same
