"""The files of a release: single ones, a folder of them, or an archive as it was downloaded; read line by line."""

from __future__ import annotations

import csv
import errno
import io
import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from fhir_gateway.fhir.outcome import Issue, Unprocessable
from fhir_gateway.terminology.releases import complaints
from fhir_gateway.terminology.releases.release import Faults

_BOM = "\ufeff"
_ARCHIVES = (".zip", ".whl")
csv.field_size_limit(1_000_000)


@dataclass(frozen=True, slots=True)
class File:
    """A file, or a member of an archive."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        return Path(self.member).name if self.member is not None else self.path.name

    def open(self) -> IO[bytes]:
        """Raises: Unprocessable when it cannot be read."""
        try:
            if self.member is None:
                return self.path.open("rb")
            return zipfile.ZipFile(self.path).open(self.member)
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise unreadable(self.name, error) from error

    def read(self) -> bytes:
        with self.open() as opened:
            try:
                return opened.read()
            except (OSError, zipfile.BadZipFile, EOFError) as error:
                raise unreadable(self.name, error) from error


def unreadable(name: str, error: Exception) -> Unprocessable:
    """Return the refusal of a file that cannot be read."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Unprocessable(complaints.FILE_UNREADABLE.at(file=name, reason=reason))


def files_of(paths: Iterable[Path]) -> list[File]:
    """Return the files that paths name, those in folders and in archives (.zip, .whl) too, in the order of their names.

    Raises: Unprocessable for what is not there, and for an archive that is none.
    """
    found: list[File] = []
    for path in paths:
        if path.is_dir():
            found += [File(each) for each in sorted(path.rglob("*")) if each.is_file()]
        elif path.suffix.casefold() in _ARCHIVES:
            try:
                with zipfile.ZipFile(path) as archive:
                    names = sorted(each.filename for each in archive.infolist() if not each.is_dir())
            except (OSError, zipfile.BadZipFile) as error:
                raise unreadable(path.name, error) from error
            found += [File(path, name) for name in names]
        elif path.is_file():
            found.append(File(path))
        else:
            raise unreadable(str(path), FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
    return found


def lines(file: File, encoding: str = "utf-8") -> Iterator[str]:
    """Yield the lines of a text file, each with its line end, without a byte order mark.

    Raises: Unprocessable for what is not UTF-8, and for an archive that is broken.
    """
    with file.open() as opened:
        text = io.TextIOWrapper(opened, encoding=encoding, errors="strict", newline="\n")
        first = True
        try:
            for line in text:
                if first and line.startswith(_BOM):
                    line = line[1:]
                first = False
                yield line
        except UnicodeDecodeError as error:
            raise _not_utf8(file) from error
        except (OSError, zipfile.BadZipFile, EOFError) as error:
            raise unreadable(file.name, error) from error


def _not_utf8(file: File) -> Unprocessable:
    """Return the refusal that names the first line that is not UTF-8."""
    with file.open() as opened:
        for number, line in enumerate(opened, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                byte = f"0x{line[error.start]:02X}"
                return Unprocessable(complaints.NOT_UTF8.at(file=file.name, line=number, byte=byte))
    raise AssertionError("decoded after all")


def whole_lines(file: File) -> Iterator[str]:
    """Yield lines as `lines` does, without their ends. Raises: Unprocessable when the last one has no end."""
    number = 0
    for number, line in enumerate(lines(file), start=1):
        if line[-1] != "\n":
            raise truncated(file, number, *NO_END)
        yield line[:-2] if line[-2:-1] == "\r" else line[:-1]
    if number == 0:
        raise truncated(file, 0, "it is empty", "il est vide")


NO_END = ("its last line has no end", "sa dernière ligne n'a pas de fin")


def truncated(file: File, line: int, reason: str, reason_fr: str | None = None) -> Unprocessable:
    """Return the refusal of a file that ends too early. `reason_fr`: the same in French, where it is ours to say."""
    return Unprocessable(
        complaints.TRUNCATED.at(file=file.name, line=line, reason=reason, reason_fr=reason_fr or reason)
    )


def malformed(file: File, line: int, reason: str, reason_fr: str) -> Issue:
    return complaints.MALFORMED.at(file=file.name, line=line, reason=reason, reason_fr=reason_fr)


def json_of(file: File) -> Any:
    """Return the document in a JSON file. Raises: Unprocessable."""
    body = file.read()
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        try:
            body.decode()
        except UnicodeDecodeError:
            raise _not_utf8(file) from error
        raise truncated(file, body.count(b"\n") + 1, str(error)) from error


Row = tuple[int, dict[str, str]]


def tab_rows(file: File, faults: Faults, needed: Sequence[str], what: str) -> Iterator[Row]:
    """Yield line number and cells by column of a tab-separated file whose first line names the columns.

    Raises: Unprocessable; rows of another number of columns are noted as faults.
    """
    rows = enumerate(whole_lines(file), start=1)
    header = next(rows)[1].split("\t")
    _check_header(file, header, needed, what)
    for number, line in rows:
        cells = line.split("\t")
        if len(cells) != len(header):
            faults.add(complaints.COLUMNS.at(file=file.name, line=number, found=len(cells), wanted=len(header)))
            continue
        yield number, dict(zip(header, cells, strict=True))


def csv_rows(file: File, faults: Faults, needed: Sequence[str], what: str, delimiter: str = ",") -> Iterator[Row]:
    """Yield the same of a file of comma-separated values with quotes (RFC 4180)."""
    reader = csv.reader(lines(file), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        _check_header(file, header, needed, what)
        for cells in reader:
            if len(cells) != len(header):
                found = complaints.COLUMNS.at(
                    file=file.name, line=reader.line_num, found=len(cells), wanted=len(header)
                )
                faults.add(found)
                continue
            yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise truncated(file, reader.line_num, str(error)) from error


def _check_header(file: File, header: Sequence[str], needed: Sequence[str], what: str) -> None:
    missing = [column for column in needed if column not in header]
    if missing:
        raise Unprocessable(*(complaints.HEADER.at(file=file.name, column=column, what=what) for column in missing))


def header_of(file: File) -> str:
    """Return the first line of a text file; "" when it has none."""
    return next(lines(file), "").rstrip("\r\n")
