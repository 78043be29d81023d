"""Functions made of rules: readable, and never made of what a rule's texts say.

Source: mappings/README.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_gateway.exchange.hl7v2.convert import load_mappings
from fhir_gateway.exchange.hl7v2.er7 import read
from fhir_gateway.exchange.hl7v2.messages import Er7Source
from fhir_gateway.transform.program import Body, Program
from fhir_gateway.transform.source import Expression
from tests.transform.test_mappings import base

ADT = b"MSH|^~\\&|A|B|C|D|2024||ADT^A28|1|P|2.5\rPID|||1||TEST^ANN||19790328|F"


def given(tmp_path: Path, rules: str) -> dict[str, object]:
    mapping = load_mappings([base(tmp_path, rules)]).of("ADT^A28")
    assert mapping is not None
    (one,) = mapping.apply(Er7Source(read(ADT))).instances
    return one.resource


@pytest.mark.parametrize(
    "value",
    ["'); raise SystemExit('", "{", "}", "\\\\", '\\"', "\\x01" + "0\\x02", "a{PID-8}b}{PID-7}{", "{PID-8}\\n"],
)
def test_texts_of_rules_stay_texts(tmp_path: Path, value: str) -> None:
    rules = f'  - {{id: a, value: "{value}", to: name.text}}\n  - {{id: b, from: PID-7, to: birthDate}}\n'
    said = value.encode().decode("unicode_escape").replace("{PID-8}", "F").replace("{PID-7}", "19790328")
    expected = "".join(each for each in said if each >= " ").rstrip()
    assert given(tmp_path, rules)["name"] == [{"text": expected}]


def test_an_id_of_a_rule_cannot_leave_its_comment(tmp_path: Path) -> None:
    rules = '  - {id: "a\\nraise SystemExit", from: PID-7, to: birthDate}\n'
    assert given(tmp_path, rules)["birthDate"] == "1979-03-28"


def test_what_is_asked_for_twice_is_read_once() -> None:
    body = Body([("fields", "fields = segment.fields")])
    once, twice = Expression("fields[1]", fixed=True), Expression("fields[2]", fixed=True)
    body.add(f"a = {body.use(once)}", f"b = {body.use(twice)}", f"return b + {body.use(twice)}")
    assert body.lines() == [
        "    fields = segment.fields", "    text_1 = fields[2]", "    a = fields[1]", "    b = text_1",
        "    return b + text_1",
    ]  # fmt: skip


def test_what_one_block_alone_asks_for_is_looked_up_there_and_not_in_each_turn_of_a_loop() -> None:
    body = Body((("fields", "fields = segment.fields"),))
    shared = Expression("fields[2]", fixed=True)
    with body.block("if a:"), body.block("for node in nodes:"):
        body.add(f"b({body.use(shared)}, {body.use(shared)})")
    body.add("return c")
    assert body.lines() == [
        "    fields = segment.fields", "    if a:", "        text_0 = fields[2]", "        for node in nodes:",
        "            b(text_0, text_0)", "    return c",
    ]  # fmt: skip


def test_a_function_is_compiled_when_it_is_first_called() -> None:
    program, asked = Program({}), []

    def lines(name: str) -> list[str]:
        asked.append(name)
        return ["    return other()" if name == "one" else "    return 3"]

    program.add("one", "", lambda: lines("one"))
    program.add("other", "", lambda: lines("other"))
    program.add("third", "", lambda: lines("third"))
    functions = program.functions()
    assert asked == []
    assert functions["one"]() == 3
    assert asked == ["one", "other"]


def test_every_function_of_the_shipped_rules_says_which_rule_its_lines_are() -> None:
    from fhir_gateway.exchange.hl7v2.convert import converter

    text = converter().mappings.program.text
    compile(text, "<mappings>", "exec")
    for place in ("base/segments/PID.yaml:", "fr/segments/ZBE.yaml:", "base/datatypes/identifiers.yaml:"):
        assert f"# {place}" in text
