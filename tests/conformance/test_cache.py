"""Compiled tables on disk: used when whole and ours, made anew otherwise, never needed.

Source: fhir_gateway/conformance/README.md, "Start".
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from fhir_gateway.conformance import cache
from fhir_gateway.conformance.definitions import compiled_tables, definitions
from fhir_gateway.conformance.package import R4, Package, data_folder


class Maker:
    """Makes a table and counts how often it was asked to."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> dict[str, tuple[int, str]]:
        self.made += 1
        return {"table": (1, "x")}


def test_what_was_made_once_is_read_the_second_time(tmp_path: Path):
    make = Maker()
    first = cache.cached(tmp_path / "new", "t", "key", make)
    second = cache.cached(tmp_path / "new", "t", "key", make)
    assert first == second == {"table": (1, "x")}
    assert make.made == 1


def test_a_cache_file_is_for_its_owner_only(tmp_path: Path):
    cache.cached(tmp_path / "new", "t", "key", Maker())
    (file,) = (tmp_path / "new").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", [b"", b"short", b"0" * 4096])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, damage: bytes):
    make = Maker()
    cache.cached(tmp_path, "t", "key", make)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    assert cache.cached(tmp_path, "t", "key", make) == {"table": (1, "x")}
    assert make.made == 2
    cache.cached(tmp_path, "t", "key", make)
    assert make.made == 2


def test_a_single_changed_byte_is_damage(tmp_path: Path):
    make = Maker()
    cache.cached(tmp_path, "t", "key", make)
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    cache.cached(tmp_path, "t", "key", make)
    assert make.made == 2


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owner or mode here")
def test_a_cache_that_others_may_write_is_not_read(tmp_path: Path):
    make = Maker()
    cache.cached(tmp_path, "t", "key", make)
    (file,) = tmp_path.iterdir()
    file.chmod(0o666)
    cache.cached(tmp_path, "t", "key", make)
    assert make.made == 2


def test_a_folder_that_cannot_be_written_is_no_error_but_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert cache.cached(tmp_path / "file" / "folder", "t", "key", Maker()) == {"table": (1, "x")}
    assert "cache not written" in caplog.text


def test_the_key_changes_with_content_and_with_the_compiling_source(tmp_path: Path):
    source = tmp_path / "compiler.py"
    source.write_text("one")
    before = cache.key_of("content", sources=(source,))
    assert cache.key_of("content", sources=(source,)) == before
    assert cache.key_of("other", sources=(source,)) != before
    source.write_text("two")
    assert cache.key_of("content", sources=(source,)) != before


def test_the_variable_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path))
    assert cache.default_folder() == tmp_path
    monkeypatch.delenv(cache.CACHE_VARIABLE)
    assert cache.default_folder().name == "fhir-gateway"


def test_definitions_from_a_warm_cache_equal_those_from_a_cold_one(tmp_path: Path):
    package = Package(data_folder("profiles") / R4)
    compiled = compiled_tables(package)
    cold = definitions(tmp_path)
    definitions.cache_clear()
    warm = definitions(tmp_path)
    assert cold is not warm
    assert cold.types == warm.types
    assert cold.compartments == warm.compartments
    stored = cache.cached(tmp_path, "definitions", _only_key(tmp_path), lambda: pytest.fail("not in the cache"))
    assert stored == compiled


def _only_key(folder: Path) -> str:
    (file,) = folder.iterdir()
    return file.stem.removeprefix("definitions-")


def test_a_process_has_one_definitions():
    assert definitions() is definitions()
