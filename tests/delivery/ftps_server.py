"""A collector's server for tests: pyftpdlib over implicit TLS 1.3, which asks for a certificate of its authority.

Source: RFC 4217; pyftpdlib, "FTPS server"; certificates are made here, of an authority of their own.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

USER, PASSWORD = "labo", "mot-de-passe"
SILENCE = "silence"


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """An authority that issues certificates for tests, in files of a folder."""

    def __init__(self, folder: Path, name: str = "autorite") -> None:
        self._folder = folder
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._signed(name, self._key, x509.BasicConstraints(True, None), None)
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return a certificate and its key, for 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._signed(name, key, x509.BasicConstraints(False, None), "127.0.0.1")
        certificate, private = self._folder / f"{self._name}-{name}.pem", self._folder / f"{self._name}-{name}.key"
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, private

    def _signed(
        self, name: str, key: ec.EllipticCurvePrivateKey, constraints: x509.BasicConstraints, address: str | None
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(self._name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(constraints, critical=True)
        )
        if address is not None:
            usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), False)
            made = made.add_extension(x509.ExtendedKeyUsage(usages), False)
        return made.sign(self._key, hashes.SHA256())


@dataclass
class Server:
    """Use it as a context. `before`: called with each command and its argument; what it returns is answered instead,
    "" ends the connection, SILENCE says nothing.
    """

    home: Path
    authority: Authority
    before: Callable[[str, str], str | None] = lambda _command, _argument: None
    port: int = 0
    commands: list[tuple[str, str]] = field(default_factory=list)

    def __enter__(self) -> Self:
        pytest.importorskip("OpenSSL", reason="pyftpdlib speaks TLS by pyOpenSSL")
        from OpenSSL import SSL

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it stands on asyncore, which Python 3.12 has no more
            from pyftpdlib.authorizers import DummyAuthorizer  # type: ignore[import-untyped]
            from pyftpdlib.handlers import TLS_FTPHandler  # type: ignore[import-untyped]
            from pyftpdlib.ioloop import IOLoop  # type: ignore[import-untyped]
            from pyftpdlib.servers import FTPServer  # type: ignore[import-untyped]

        server = self

        class Handler(TLS_FTPHandler):  # type: ignore[misc]
            """Implicit: TLS first, then the greeting."""

            tls_control_required = tls_data_required = True
            timeout = 30

            def handle(self) -> None:
                self.secure_connection(self.ssl_context)

            def handle_ssl_established(self) -> None:
                TLS_FTPHandler.handle(self)

            def process_command(self, cmd: str, *args: Any, **kwargs: Any) -> None:
                argument = str(args[0]) if args else ""
                server.commands.append((cmd, argument))
                said = server.before(cmd, argument)
                if said == "":
                    self.close()
                elif said == SILENCE:
                    return
                elif said is not None:
                    self.respond(said)
                else:
                    super().process_command(cmd, *args, **kwargs)

        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_3_VERSION)
        certificate, key = self.authority.issue("serveur")
        context.use_certificate_chain_file(str(certificate))
        context.use_privatekey_file(str(key))
        context.load_verify_locations(str(self.authority.path))
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *given: bool(given[-1]))
        context.set_session_id(b"collecteur")
        Handler.ssl_context = context
        Handler.authorizer = DummyAuthorizer()
        Handler.authorizer.add_user(USER, PASSWORD, str(self.home), perm="elradfmwMT")
        self._loop = IOLoop()
        self._server = FTPServer(("127.0.0.1", self.port), Handler, ioloop=self._loop)
        self.port = self._server.socket.getsockname()[1]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def _serve(self) -> None:
        while not self._stopping.is_set():
            self._loop.loop(timeout=0.02, blocking=False)
        self._server.close_all()

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(10)
