"""Depositing folders by FTPS: a file is there whole under its name or not at all, and the mark that says so comes last.

TLS begins with the connection (implicit), either side shows its certificate, and data channels resume the session of
the control channel, as servers demand that want to know that both are of one client. Each file is sent under a
temporary name, its size asked for, and then renamed. After a break all begins again: what was laid down is replaced, a
mark of an earlier deposit is taken away first.

Source: RFC 959 (FTP); RFC 4217 (FTP over TLS); RFC 3659 (SIZE); reference: CAD, transport.
"""

from __future__ import annotations

import ftplib
import socket
import ssl
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from fhir_gateway.exchange.cad.folder import ACKNOWLEDGED, SIDECAR, Folder, sidecar

PART: Final = ".part"  # how temporary names end
_BLOCK = 64 * 1024
_FAREWELL_SECONDS = 2.0
_NAMES = 100_000  # in a folder that is listed
_NOT_KNOWN = ("500", "501", "502", "504")  # commands that a server has not, or has in another form
_UNFIT_NAME = "553"
_ABSENT = "550"


class NotDeposited(Exception):
    """Something kept it from being laid down, and it is to be tried again; the text says what, in a few words."""


class CannotBeDeposited(Exception):
    """The server refuses what is laid down, as it would refuse it again."""


@dataclass(frozen=True, slots=True)
class FtpsAddress:
    """Where deposits go. `context`: with our certificate and the authority of theirs; `name`: whom their certificate
    must be for, "" for `host`; `base`: the folder in which deposits lie, "" for that which the account opens in.
    """

    host: str
    user: str
    context: ssl.SSLContext
    password: str = field(default="", repr=False)
    port: int = 990
    name: str = ""
    base: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ftps://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class FtpsPatience:
    """How long is waited, in seconds, for a connection and for each step; how long an answer may be, in bytes."""

    connect_seconds: float = 10.0
    step_seconds: float = 60.0
    answer_bytes: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that the other side has laid down."""

    name: str
    data: bytes


def deposit(address: FtpsAddress, patience: FtpsPatience, folder: Folder) -> bool:
    """Lay a folder down; return whether there was anything to do, False where this very deposit is there already.

    Raises: NotDeposited, also where files that others lay down are not there yet; CannotBeDeposited.
    """
    with _session(address, patience) as session:
        if session.is_whole(folder):
            return False
        session.enter(folder.name)
        session.remove(folder.done)
        session.expect(folder.expected)
        for each in folder.laid:
            session.lay(each.path, each.data)
        session.lay(folder.done, b"")
    return True


def answers(
    address: FtpsAddress, patience: FtpsPatience, name: str, known: Collection[str] = ()
) -> tuple[Fetched, ...]:
    """Return the acknowledgements of a deposit, but those whose names are known, by name: what lies in its folder, and
    what lies beside it and begins with its name.

    Nothing is taken away: whoever reads one half-written reads it again. Raises: NotDeposited.
    """
    with _session(address, patience) as session:
        found = session.acknowledgements(known, f"{name}.")
        if session.found(name):
            found += session.acknowledgements(known, "")
        return tuple(sorted(found, key=lambda each: each.name))


@contextmanager
def _session(address: FtpsAddress, patience: FtpsPatience) -> Iterator[_Session]:
    """Yield a session that has logged in; it is ended in the end. Whatever fails is told as NotDeposited."""
    session = _Session(address, patience)
    try:
        session.open()
        yield session
        with suppress(OSError, EOFError, ftplib.Error):  # what was to be done is done, however they part
            session.quit()
    except ssl.SSLCertVerificationError as error:
        raise NotDeposited(f"certificate: {error.verify_message}") from None
    except ftplib.error_perm as error:
        code = str(error)[:3]
        if code == _UNFIT_NAME:
            raise CannotBeDeposited(f"{code}: {session.step}") from None
        raise NotDeposited(f"{code}: {session.step}") from None
    except ftplib.Error as error:
        raise NotDeposited(f"{str(error)[:3]}: {session.step}") from None
    except EOFError:
        raise NotDeposited(f"ended: {session.step}") from None
    except TimeoutError:
        raise NotDeposited(f"nothing in time: {session.step}") from None
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
        raise NotDeposited(f"{reason}: {session.step}") from None
    finally:
        session.close()


class _Session(ftplib.FTP_TLS):
    """A connection. `step`: what is being done, in a few words that name no file."""

    def __init__(self, address: FtpsAddress, patience: FtpsPatience) -> None:
        super().__init__(context=address.context, encoding="utf-8")
        self.step = "connecting"
        self._address = address
        self._patience = patience
        self._home = ""
        self._made: set[str] = set()

    def open(self) -> None:
        address, patience = self._address, self._patience
        self.host, self.port, self.timeout = address.host, address.port, patience.connect_seconds
        plain = socket.create_connection((address.host, address.port), patience.connect_seconds)
        self.af = plain.family
        try:
            self.sock = self._secured(plain, None)
        except BaseException:
            plain.close()
            raise
        self.timeout = patience.step_seconds
        self.sock.settimeout(patience.step_seconds)
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        self.step = "logging in"
        self.login(address.user, address.password)
        self.prot_p()
        self.voidcmd("TYPE I")
        if address.base:
            self.step = "entering the base folder"
            self.cwd(address.base)
        self._home = self.pwd()

    def _secured(self, plain: socket.socket, session: ssl.SSLSession | None) -> ssl.SSLSocket:
        address = self._address
        return address.context.wrap_socket(plain, server_hostname=address.name or address.host, session=session)

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open a data channel, of the session of the control channel."""
        plain, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        try:
            return self._secured(plain, self._control.session), size
        except BaseException:
            plain.close()
            raise

    @property
    def _control(self) -> ssl.SSLSocket:
        if not isinstance(self.sock, ssl.SSLSocket):
            raise NotDeposited("no TLS")
        return self.sock

    # --- what is there

    def found(self, folder: str) -> bool:
        """Enter a folder; return whether it is there."""
        self.step = "entering the folder"
        try:
            self.cwd(folder)
        except ftplib.error_perm as error:
            if str(error)[:3] == _ABSENT:
                return False
            raise
        return True

    def length(self, path: str) -> int | None:
        """Return how long a file is, in bytes; -1: it is not there; None: the server does not say."""
        try:
            return self.size(path)
        except ftplib.error_perm as error:
            code = str(error)[:3]
            if code == _ABSENT:
                return -1
            if code in _NOT_KNOWN:
                return None
            raise

    def is_whole(self, folder: Folder) -> bool:
        """Return whether this very deposit is there with its mark: the answer to the last step alone was lost."""
        if not self.found(folder.name):
            return False
        self.step = "looking what is there"
        try:
            if folder.done not in self.names():
                return False
            own = next(each for each in folder.laid if each.path == folder.message)
            told = sidecar(folder.message, sha256(own.data).hexdigest())
            path = folder.message + SIDECAR
            return self.length(path) == len(told) and self.content(path, len(told)) == told
        finally:
            self.cwd(self._home)

    def names(self) -> list[str]:
        """Return the names of what is in the folder."""
        self.step = "listing the folder"
        found: list[str] = []
        try:
            self.retrlines("NLST", found.append)
        except ftplib.error_perm as error:
            if str(error)[:3] != _ABSENT:  # some servers say so of an empty folder
                raise
        self.voidcmd("TYPE I")  # names are listed as text, and all that came after would be
        if len(found) > _NAMES:
            raise NotDeposited(f"more than {_NAMES} names: {self.step}")
        return [each.rpartition("/")[2] for each in found]

    def acknowledgements(self, known: Collection[str], beginning: str) -> list[Fetched]:
        """Return the acknowledgements in the folder whose names begin so, but those that are known."""
        names = (each for each in self.names() if each.endswith(ACKNOWLEDGED) and each.startswith(beginning))
        return [Fetched(each, self.content(each, self._patience.answer_bytes)) for each in names if each not in known]

    def content(self, path: str, most: int) -> bytes:
        """Return a file. Raises: NotDeposited where it is longer than `most`."""
        self.step = "fetching a file"
        pieces: list[bytes] = []
        length = 0
        with self.transfercmd(f"RETR {path}") as data:
            while piece := data.recv(_BLOCK):
                length += len(piece)
                if length > most:
                    raise NotDeposited(f"more than {most} bytes: {self.step}")
                pieces.append(piece)
            self._end(data)
        self.voidresp()
        return b"".join(pieces)

    # --- what is laid down

    def enter(self, folder: str) -> None:
        """Enter a folder, made where it is not there."""
        if not self.found(folder):
            self.step = "making a folder"
            self.mkd(folder)
            self.cwd(folder)

    def expect(self, expected: Collection[tuple[str, int | None]]) -> None:
        """Look whether files of others are there, as long as they were told to be. Raises: NotDeposited."""
        self.step = "looking for the data files"
        absent = other = 0
        for path, size in expected:
            length = self.length(path)
            absent += length == -1
            other += length not in (-1, None, size) and size is not None
        if absent or other:
            raise NotDeposited(f"data files: {absent} of {len(expected)} absent, {other} of another size")

    def remove(self, path: str) -> None:
        self.step = "removing an old file"
        try:
            self.delete(path)
        except ftplib.error_perm as error:
            if str(error)[:3] != _ABSENT:
                raise

    def lay(self, path: str, data: bytes) -> None:
        """Lay a file down: sent under a temporary name, looked at, and renamed."""
        parent, _, name = path.rpartition("/")
        if parent and parent not in self._made:
            self._make(parent)
            self._made.add(parent)
        part = f"{parent}/.{name}{PART}" if parent else f".{name}{PART}"
        self.step = "sending a file"
        with self.transfercmd(f"STOR {part}") as channel:
            channel.sendall(data)
            self._end(channel)
        self.voidresp()
        length = self.length(part)
        if length not in (None, len(data)):
            raise NotDeposited(f"{length} of {len(data)} bytes came: {self.step}")
        self.step = "renaming a file"
        try:
            self.rename(part, path)
        except ftplib.error_perm:
            # Servers differ in whether a new name may be taken already.
            if self.length(path) == -1:
                raise
            self.remove(path)
            self.rename(part, path)

    def _make(self, folder: str) -> None:
        self.step = "making a folder"
        try:
            self.mkd(folder)
        except ftplib.error_perm as error:
            if str(error)[:3] not in (_ABSENT, "521"):  # there already; if it is not, the next step says so
                raise

    @staticmethod
    def _end(channel: Any) -> None:
        """End TLS on a data channel: the other side tells by it that nothing was cut off.

        A side that just closes does no harm: its own reply and the size say whether all came.
        """
        channel.settimeout(_FAREWELL_SECONDS)
        with suppress(OSError):
            channel.unwrap()
