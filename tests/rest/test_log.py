"""Logs are lines of JSON that quote no values."""

from __future__ import annotations

import io
import json
import logging

from fhir_gateway.rest.log import JsonLines


def line_of(log: logging.Logger, write) -> dict[str, object]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    log.addHandler(handler)
    log.propagate = False
    try:
        write()
    finally:
        log.removeHandler(handler)
    text = stream.getvalue()
    assert text.count("\n") == 1
    return json.loads(text)


def test_a_record_is_one_line_of_json_with_its_fields():
    log = logging.getLogger("a.room")
    line = line_of(log, lambda: log.warning("two\nlines %s", "é", extra={"fields": {"status": 503, "path": object}}))
    assert (line["level"], line["logger"], line["message"], line["status"]) == (
        "warning",
        "a.room",
        "two\nlines é",
        503,
    )
    assert str(line["time"]).endswith("+00:00")


def test_an_exception_is_told_by_class_and_place_without_its_message():
    log = logging.getLogger("another.room")

    def fail() -> None:
        try:
            try:
                {}["Durand"]
            except KeyError as error:
                raise ValueError("Durand, Ada") from error
        except ValueError:
            log.exception("defect")

    line = line_of(log, fail)
    told = line["exception"]
    assert isinstance(told, list)
    assert told[0] == "ValueError"
    assert "KeyError" in told
    assert any("test_log.py" in place and place.endswith(" fail") for place in told)
    assert "Durand" not in json.dumps(line)
