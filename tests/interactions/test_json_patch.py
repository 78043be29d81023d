"""JSON Patch over resources.

Source: RFC 6902, section 4 and appendix A; RFC 6901, section 3 and 4; FHIR R4, RESTful API, "patch".
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.outcome import InvalidRequest, Unprocessable
from fhir_gateway.interactions.json_patch import apply, check


def operation(op: str, path: str, **more: Any) -> dict[str, Any]:
    return {"op": op, "path": path, **{name.rstrip("_"): value for name, value in more.items()}}


@pytest.mark.parametrize(
    ("before", "operations", "after"),
    [
        # The examples of RFC 6902, appendix A.
        ({"foo": "bar"}, [operation("add", "/baz", value="qux")], {"foo": "bar", "baz": "qux"}),
        ({"foo": ["bar", "baz"]}, [operation("add", "/foo/1", value="qux")], {"foo": ["bar", "qux", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, [operation("remove", "/baz")], {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, [operation("remove", "/foo/1")], {"foo": ["bar", "baz"]}),
        ({"baz": "qux"}, [operation("replace", "/baz", value="boo")], {"baz": "boo"}),
        (
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
            [operation("move", "/qux/thud", from_="/foo/waldo")],
            {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
        ),
        ({"foo": ["all", "cow", "eat"]}, [operation("move", "/foo/2", from_="/foo/0")], {"foo": ["cow", "eat", "all"]}),
        ({"foo": ["bar"]}, [operation("add", "/foo/-", value=["abc", "def"])], {"foo": ["bar", ["abc", "def"]]}),
        ({"/": 9, "~1": 10}, [operation("test", "/~01", value=10)], {"/": 9, "~1": 10}),
        ({"/": 9, "~1": 10}, [operation("test", "/~1", value=9)], {"/": 9, "~1": 10}),
        ({"foo": "bar"}, [operation("add", "/child", value={"x": {}})], {"foo": "bar", "child": {"x": {}}}),
        # Elsewhere in it.
        ({"foo": ["bar"]}, [operation("add", "/foo/1", value="end")], {"foo": ["bar", "end"]}),
        ({"foo": "bar"}, [operation("add", "/foo", value="new")], {"foo": "new"}),
        ({"a": 1}, [operation("replace", "", value={"b": 2})], {"b": 2}),
        (
            {"a": {"b": [1]}},
            [operation("copy", "/c", from_="/a"), operation("add", "/c/b/-", value=2)],
            {"a": {"b": [1]}, "c": {"b": [1, 2]}},
        ),
        ({"a": 1}, [operation("move", "/a", from_="/a")], {"a": 1}),
        ({"a": {"": 3}}, [operation("test", "/a/", value=3)], {"a": {"": 3}}),
    ],
)
def test_operations_do_what_rfc_6902_says(before: Any, operations: list[dict[str, Any]], after: Any) -> None:
    assert apply(before, operations) == after


def test_the_resource_and_the_patch_are_left_as_they_were() -> None:
    resource = {"resourceType": "Patient", "name": [{"given": ["Ada"]}]}
    operations = [
        operation("add", "/name/0/given/-", value="Maud"),
        operation("add", "/name/-", value={"given": ["A"]}),
        operation("add", "/name/1/given/-", value="B"),
        operation("remove", "/name/0/given/0"),
    ]
    kept = copy.deepcopy((resource, operations))
    apply(resource, operations)
    assert (resource, operations) == kept


def test_a_list_of_primitives_is_patched_item_by_item() -> None:
    resource = {"given": ["Ada", "Maud"], "_given": [None, {"id": "x"}]}
    patch = [operation("replace", "/given/1", value="Mae"), operation("add", "/given/0", value="Zoe")]
    assert apply(resource, patch) == {"given": ["Zoe", "Ada", "Mae"], "_given": [None, {"id": "x"}]}


def test_numbers_keep_their_text() -> None:
    resource = decode(b'{"a":1.10,"b":{"c":2.500}}')
    patch = decode(b'[{"op":"copy","from":"/a","path":"/d"},{"op":"add","path":"/e","value":1E2}]')
    assert encode(apply(resource, patch)) == b'{"a":1.10,"b":{"c":2.500},"d":1.10,"e":1E2}'


@pytest.mark.parametrize(
    ("stored", "tested", "same"),
    [
        (b"1.10", b"1.1", True),  # "numbers: are considered equal if their values are numerically equal"
        (b"100", b"1E2", True),
        (b"1", b"true", False),
        (b"true", b"1", False),
        (b"0", b"false", False),
        (b"null", b"false", False),
        (b'"1"', b"1", False),
        (b'{"a":1,"b":[1,2]}', b'{"b":[1,2],"a":1.0}', True),
        (b"[1,2]", b"[2,1]", False),
        (b"[1]", b"[1,2]", False),
        (b'{"a":1}', b'{"a":1,"b":2}', False),
    ],
)
def test_test_compares_by_value(stored: bytes, tested: bytes, same: bool) -> None:
    resource = {"x": decode(stored)}
    patch = [operation("test", "/x", value=decode(tested))]
    if same:
        assert apply(resource, patch) == resource
    else:
        with pytest.raises(Unprocessable) as refusal:
            apply(resource, patch)
        assert [issue.complaint.detail for issue in refusal.value.issues] == ["patch-test-failed"]


@pytest.mark.parametrize(
    "patch",
    [
        operation("remove", "/b"),
        operation("replace", "/b", value=1),
        operation("test", "/b", value=1),
        operation("add", "/b/c", value=1),
        operation("add", "/list/3", value=1),
        operation("add", "/list/01", value=1),
        operation("add", "/list/x", value=1),
        operation("remove", "/list/-"),
        operation("remove", "/list/2"),
        operation("remove", "/list/-1"),
        operation("add", "/a/b", value=1),
        operation("copy", "/c", from_="/b"),
        operation("move", "/c", from_="/b"),
        operation("remove", ""),
    ],
)
def test_a_target_that_is_not_there_is_refused_with_the_index_of_the_operation(patch: dict[str, Any]) -> None:
    with pytest.raises(Unprocessable) as refusal:
        apply({"a": "x", "list": [1, 2]}, [operation("test", "/a", value="x"), patch])
    (issue,) = refusal.value.issues
    assert issue.complaint.detail == "patch-path-absent"
    assert issue.text().startswith(f"Operation 1 of the patch ({patch['op']}): ")


def test_nothing_moves_into_a_part_of_itself() -> None:
    with pytest.raises(Unprocessable) as refusal:
        apply({"a": {"b": {}}}, [operation("move", "/a/b/c", from_="/a")])
    assert [issue.complaint.detail for issue in refusal.value.issues] == ["patch-move-into-itself"]


def test_every_malformed_operation_is_named() -> None:
    patch = [
        "no object",
        {"path": "/a"},
        {"op": "append", "path": "/a"},
        {"op": ["add"], "path": "/a"},
        {"op": "add", "path": "/a"},
        {"op": "add", "path": "a", "value": 1},
        {"op": "add", "path": "/a~2", "value": 1},
        {"op": "add", "path": 1, "value": 1},
        {"op": "move", "path": "/a"},
        {"op": "copy"},
        {"op": "remove", "path": "/fine"},
    ]
    assert [issue.text().split(":")[0] for issue in check(patch)] == [
        f"Operation {index} of the patch" for index in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9)
    ]
    with pytest.raises(InvalidRequest) as refusal:
        apply({}, patch)  # type: ignore[arg-type]
    assert len(refusal.value.issues) == 11


@pytest.mark.parametrize(
    ("patch", "after"),
    [
        ([operation("remove", "/name/0/given/0")], {"id": "1"}),
        ([operation("remove", "/name/0")], {"id": "1"}),
        ([operation("remove", "/name/0/given/0"), operation("add", "/name/0/given/-", value="Eve")],
         {"id": "1", "name": [{"given": ["Eve"]}]}),
        ([operation("move", "/nick", from_="/name/0/given/0")], {"id": "1", "nick": "Ada"}),
    ],
)  # fmt: skip
def test_what_a_removal_leaves_empty_goes_too_since_fhir_has_no_empty_arrays(patch: Any, after: Any) -> None:
    assert apply({"id": "1", "name": [{"given": ["Ada"]}]}, patch) == after


def test_an_empty_value_that_the_patch_brings_is_kept_for_the_structure_check_to_refuse() -> None:
    patched = apply({"name": ["x"]}, [operation("add", "/photo", value=[]), operation("remove", "/name/0")])
    assert patched == {"photo": []}
