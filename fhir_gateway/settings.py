"""Settings: what an operator may choose, from the environment, a file, or the command line.

The command line wins over the environment (`FHIR_GATEWAY_…`), which wins over the file. `SETTINGS.md` lists them all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from fhir_gateway.policy.collectors import COLLECTORS
from fhir_gateway.policy.partners import PARTNERS
from fhir_gateway.trusted_issuers import IDENTITY, TrustedIssuer, is_loopback, tables

PREFIX = "FHIR_GATEWAY_"
UNFIT = "unfit"  # the type of the error that tells, as `en` and `fr` of its context, what does not fit together
FILE_VARIABLE = "FHIR_GATEWAY_CONFIG"
DEFAULT_FILE = Path("fhir-gateway.toml")
PAGES = ("docs", "openapi.json", "health", "metrics", ".well-known")  # paths beside the FHIR base
ISSUER_KEY = "issuer-key.pem"  # in the data folder, where no setting says otherwise
MIB = 1024 * 1024


def _without_slash(url: str) -> str:
    url = url.rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("is no http or https URL without query, such as https://fhir.example.org/fhir")
    return url


def _database_url(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql://", "postgres://")):
        raise ValueError("begins with sqlite:/// (then a file name) or postgresql:// (then user@host/database)")
    return url


def _listed(value: Any) -> Any:
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


class Settings(BaseSettings):
    """All settings, checked. Each has a default that is safe on one's own machine."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", validate_default=True)

    database: Annotated[str, AfterValidator(_database_url)] | None = Field(
        None,
        description="Where resources are kept: `sqlite:///file`, `sqlite:////absolute/file` or "
        "`postgresql://user:password@host/database`. Empty: the file `fhir-gateway.sqlite` in `data_folder`.",
    )
    data_folder: Path = Field(
        default_factory=lambda: _folder_of_user("XDG_DATA_HOME", ".local/share"),
        description="The folder of the default database; made when it is missing, for its owner only.",
    )
    cache: Path | None = Field(
        None,
        description="The folder of compiled definitions, which may be deleted at any time. Empty: the user's folder "
        "for caches.",
    )
    host: str = Field(
        "127.0.0.1",
        description="The address to listen on. Another than loopback needs `issuers` or `builtin_issuer`, or "
        "`insecure`; it speaks plain HTTP: end TLS in a proxy in front of it.",
    )
    port: int = Field(8080, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    insecure: bool = Field(
        False,
        description="Allow an address other machines can reach although no issuer is configured and whoever reaches it "
        "may read and write everything.",
    )
    issuers: Annotated[list[TrustedIssuer], NoDecode, BeforeValidator(tables)] = Field(
        default_factory=list,
        description="The issuers whose access tokens are accepted, see below: tables in the file, JSON elsewhere. With "
        "one of them, or with `builtin_issuer`, every request needs a token.",
    )
    builtin_issuer: bool = Field(
        False,
        description="Issue access tokens here, for tests, demonstrations and small sites: to the systems of `clients` "
        "at `[base]/auth/token`, and by hand with `fhir-gateway token`.",
    )
    clients: Path | None = Field(
        None,
        description="The file (TOML) of the systems that the built-in issuer knows, see below. It needs `workers` 1: "
        "that an assertion is used once is known to one process.",
    )
    issuer_key: Path | None = Field(
        None,
        description="The private key of the built-in issuer, a PEM file (ES384 or RS384); made when it is missing, for "
        f"its owner only. Empty: `{ISSUER_KEY}` in `data_folder`.",
    )
    policy_file: Path | None = Field(
        None,
        description="A file (YAML) laid over the policy that ships: what each role may do; `fhir-gateway policy` "
        "prints what holds.",
    )
    trace: bool | None = Field(
        None,
        description="Keep a record of each request: who asked for what, which patients it touched, how it ended. "
        "Empty: where tokens say who asks.",
    )
    trace_rows: int = Field(1_000_000, ge=1000, description="The most records of requests that are kept.")
    trace_days: int = Field(365, ge=1, description="Days that records of requests are kept.")
    partners: Path | None = Field(
        None,
        description="The file (TOML) of those who may send messages of HL7 v2, see below. Without it only who brings a "
        "token may (`POST /hl7v2`).",
    )
    mllp_port: int | None = Field(
        None, ge=0, le=65535, description="The port to listen on for HL7 v2 by MLLP. Empty: none; 0 takes a free one."
    )
    mllp_host: str = Field(
        "127.0.0.1",
        description="The address to listen on for MLLP. Another than loopback needs TLS (`mllp_certificate`, "
        "`mllp_authority`), or `mllp_plain`.",
    )
    mllp_plain: bool = Field(False, description="Allow MLLP without TLS at an address that other machines can reach.")
    mllp_certificate: Path | None = Field(None, description="The certificate of the MLLP listener, a PEM file.")
    mllp_key: Path | None = Field(
        None, description="Its private key, a PEM file. Empty: in the file of the certificate."
    )
    mllp_authority: Path | None = Field(
        None, description="The certificates (PEM) that issue those which senders by MLLP must have."
    )
    mllp_connections: int = Field(100, ge=1, description="Open connections of senders by MLLP, of each process.")
    mllp_threads: int = Field(8, ge=1, le=256, description="Threads of each process that take in messages by MLLP.")
    mllp_idle_timeout: float = Field(
        3600.0, gt=0, description="Seconds that a sender by MLLP may say nothing before its connection is ended."
    )
    mllp_write_timeout: float = Field(
        30.0, gt=0, le=3600, description="Seconds that a sender by MLLP may leave its answer unread."
    )
    max_message_bytes: int = Field(
        64 * MIB, ge=4096, le=2048 * MIB, description="The largest message of HL7 v2 taken, in bytes."
    )
    message_days: int = Field(
        3650,
        ge=0,
        description="Days that messages of HL7 v2 that came in keep their bytes once they are settled; 0: for ever. "
        "What became of them stays, and so do messages that failed, whole.",
    )
    outgoing_days: int = Field(
        90,
        ge=0,
        description="Days that messages to hospitals keep their bytes once they are acknowledged; 0: for ever. What "
        "went where, when and how it was answered stays, and so does what was not taken, whole.",
    )
    mappings_folder: Path | None = Field(
        None,
        description="A folder of mappings of HL7 v2 laid over those that ship: `segments`, `datatypes`, `instances`, "
        "`messages` for all senders, `sites/<name>` for those of one (its FINESS, or its application as MSH-3 says "
        "it); `out` in either for what is sent. `fhir-gateway mapping check` says whether it is sound; changes count "
        "without a new start, at once with SIGHUP. Where they are wrong the last good version stays, and "
        "`/health/ready` says why.",
    )
    collectors: Path | None = Field(
        None,
        description="The file (TOML) of the national collector's addresses, of each laboratory whose deposits are made "
        "here, see below. Empty: laboratories do their Tasks `depot-cad` themselves.",
    )
    drop_folder: Path | None = Field(
        None,
        description="A folder in which files `name.hl7` are taken in once a file `name.ok` lies beside them. Answers "
        "are written beside, as `name.ack`.",
    )
    result_folder: Path | None = Field(
        None,
        description="A folder of platforms' results: in `<FINESS>/` a file `case.json` is imported for that platform "
        "once a file `case.json.ok` lies beside it. The answer is written beside, as `case.json.ack`.",
    )
    pseudonym_keys: Path | None = Field(
        None,
        description="The file of the keys of pseudonyms: on each line a name, a blank, and 32 bytes in base64; the "
        'first seals, all open (see `store/README.md`, "Pseudonyms"). Without it no pseudonym is known or made.',
    )
    platform_tables: Path | None = Field(
        None,
        description="A file (TOML) of private tables of the platforms, each a table of codes: `[auragen-indications]`, "
        '`"F-49" = "IMR0123"`. None is published, so none ships.',
    )
    file_hosts: Annotated[list[str], NoDecode, BeforeValidator(_listed)] = Field(
        default_factory=list,
        description="Host names that the address of an announced file may have, separated by commas. Nothing is "
        "fetched from there. Empty: none.",
    )
    workers: int = Field(1, ge=1, le=64, description="Processes that answer; more than one only on PostgreSQL.")
    threads: int = Field(
        16, ge=1, le=256, description="Threads in each process for writes, searches and everything but plain reads."
    )
    connections: int = Field(8, ge=1, le=256, description="Connections to PostgreSQL of each process.")
    synchronous: Literal["FULL", "NORMAL"] = Field(
        "FULL",
        description="SQLite's durability: with `FULL` an acknowledged write survives the loss of power; `NORMAL` may "
        "lose the last ones.",
    )
    public_url: Annotated[str, AfterValidator(_without_slash)] | None = Field(
        None,
        description="The FHIR base URL as clients reach it, such as `https://fhir.example.org/fhir`. Empty: made of "
        "each request's Host.",
    )
    base_path: str = Field(
        "/fhir", pattern=r"^(/[A-Za-z0-9._-]+)+$", description="The path of the FHIR base on this server."
    )
    allowed_hosts: Annotated[list[str], NoDecode, BeforeValidator(_listed)] = Field(
        default_factory=list,
        description="Host names that requests may address beside that of `public_url`, separated by commas; `*` allows "
        "any. Empty: on loopback only `localhost` and loopback addresses (against DNS rebinding), else any.",
    )
    trust_forwarded: bool = Field(
        False,
        description="Believe X-Forwarded-Proto and X-Forwarded-Host, which only a proxy in front of the gateway that "
        "sets them itself makes true.",
    )
    language: Literal["en", "fr"] = Field(
        "en", description="The language of messages where Accept-Language asks for neither English nor French."
    )
    max_body_bytes: int = Field(
        64 * MIB, ge=1024, le=2048 * MIB, description="The largest body taken, in bytes, after inflation."
    )
    max_held_bytes: int = Field(
        512 * MIB,
        ge=1024,
        description="The most bytes of bodies in memory at once; what exceeds it is answered 503.",
    )
    max_head_bytes: int = Field(
        64 * 1024, ge=4096, le=MIB, description="The largest head of a request (URL and headers), in bytes."
    )
    max_connections: int = Field(1000, ge=1, description="Open connections of each process; further ones get 503.")
    max_concurrency: int = Field(
        256, ge=1, description="Requests waiting or at work in each process; further ones get 503 and Retry-After."
    )
    request_timeout: float = Field(
        120.0, gt=0, le=3600, description="Seconds for a body to arrive, and for its work to be done."
    )
    head_timeout: float = Field(10.0, gt=0, le=600, description="Seconds for the head of a request to arrive.")
    search_timeout: float = Field(10.0, gt=0, le=3600, description="Seconds a search may run in the database.")
    stop_timeout: int = Field(
        20, ge=0, le=600, description="Seconds that requests at work have to end when the gateway is told to stop."
    )
    max_entries: int = Field(5000, ge=1, description="The most entries of a batch or transaction.")
    default_page: int = Field(50, ge=1, description="Entries of a page where `_count` does not say.")
    max_page: int = Field(1000, ge=1, description="The most entries of a page, whatever `_count` says.")
    max_included: int = Field(1000, ge=0, description="The most resources that `_include` adds to a page.")
    max_deletes: int = Field(
        100,
        ge=1,
        description="The most resources one conditional delete takes away; with 1 several matches are refused.",
    )
    full_text: bool = Field(
        True,
        description="Searches by the words of resources (`_text`, `_content`), and the index they need; off: such "
        "parameters are not supported.",
    )
    validation: Literal["structure", "base", "profiles"] = Field(
        "profiles",
        description="What a resource must meet to be written: `structure`, what FHIR's JSON and XML prescribe; `base`, "
        "also the definition of its type (cardinalities, required codes, invariants); `profiles`, also the profiles it "
        "claims in meta.profile, and those of R4's vital signs for their codes. Only errors refuse it.",
    )
    unknown_profiles: Literal["warn", "refuse"] = Field(
        "warn",
        description="What becomes of a write that claims a profile which is not known here: `warn` takes it, "
        "`refuse` answers 422.",
    )
    unknown_extensions: Literal["warn", "refuse"] = Field(
        "warn",
        description="What becomes of a write with an extension whose definition is not known here: `warn` takes it, "
        "`refuse` answers 422.",
    )
    packages: Annotated[list[str], NoDecode, BeforeValidator(_listed)] = Field(
        default_factory=list,
        description="FHIR packages that serve beside R4's own definitions: profiles and value sets in validation, "
        "their search parameters, the guides they are; the same for all processes that share a database. Separated by "
        "commas: `name`, `name@version`, or a file (.tgz) or folder.",
    )
    terminology_folders: Annotated[list[str], NoDecode, BeforeValidator(_listed)] = Field(
        default_factory=list,
        description="Folders of CodeSystem, ValueSet, ConceptMap and NamingSystem files (.json) laid over those that "
        "ship, separated by commas; the last lies on top. A file that is wrong keeps the gateway from starting.",
    )
    package_folder: Path | None = Field(
        None, description="Where packages lie. Empty: the user's package cache, `~/.fhir/packages`."
    )
    package_registry: Annotated[str, AfterValidator(_without_slash)] = Field(
        "https://packages.fhir.org", description="Where `fhir-gateway package install` gets packages that are named."
    )
    integrity_on_write: bool = Field(True, description="Refuse references to resources of this server that are absent.")
    integrity_on_delete: bool = Field(True, description="Refuse to delete what another resource refers to.")
    gzip_from: int = Field(
        1400, ge=0, description="Compress bodies of at least so many bytes for clients that accept gzip."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least level logged.")
    log_requests: float = Field(
        0.0,
        ge=0,
        le=1,
        description="The share of requests that leave a line in the log, beside all answered 500 or above.",
    )
    metrics_folder: Path | None = Field(
        None,
        description="Where the processes of one gateway keep their counts for each other. Empty: several workers "
        "get one made for them.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, environment, file: the first that names a setting decides."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file())

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        problems = [*self._problems_of_identity(), *self._problems_of_mllp()]
        if self.workers > 1 and self.is_sqlite:
            problems.append(
                (
                    f"workers {self.workers} needs PostgreSQL: a SQLite file is written by one process. "
                    "Set database to postgresql://…, or workers to 1",
                    f"workers {self.workers} demande PostgreSQL : un fichier SQLite est écrit par un seul processus. "
                    "Mettez database à postgresql://…, ou workers à 1",
                )
            )
        if self.base_path.split("/")[1] in PAGES:
            problems.append(
                (
                    f"base_path {self.base_path} is where the gateway serves pages of its own",
                    f"base_path {self.base_path} est l'endroit où la passerelle sert ses propres pages",
                )
            )
        if self.default_page > self.max_page:
            problems.append(
                (
                    f"default_page {self.default_page} is above max_page {self.max_page}",
                    f"default_page {self.default_page} dépasse max_page {self.max_page}",
                )
            )
        if problems:
            english, french = ("; ".join(texts) for texts in zip(*problems, strict=True))
            raise PydanticCustomError(UNFIT, "{en}", {"en": english, "fr": french})
        return self

    def _problems_of_mllp(self) -> Iterator[tuple[str, str]]:
        """Yield in English and French what keeps messages from being taken in safely."""
        if self.mllp_port is None:
            return
        if self.partners is None:
            yield (
                "mllp_port needs partners: the file of those who may send",
                "mllp_port demande partners : le fichier de ceux qui peuvent émettre",
            )
        if (self.mllp_certificate is None) != (self.mllp_authority is None):
            yield (
                "mllp_certificate and mllp_authority go together: both ends have certificates",
                "mllp_certificate et mllp_authority vont ensemble : les deux extrémités ont un certificat",
            )
        if not is_loopback(self.mllp_host) and self.mllp_certificate is None and not self.mllp_plain:
            yield (
                f"mllp_host {self.mllp_host} can be reached from other machines without TLS: set mllp_certificate and "
                "mllp_authority, keep to 127.0.0.1, or say mllp_plain",
                f"mllp_host {self.mllp_host} peut être joint depuis d'autres machines sans TLS : réglez "
                "mllp_certificate et mllp_authority, restez sur 127.0.0.1, ou dites mllp_plain",
            )

    def _problems_of_identity(self) -> Iterator[tuple[str, str]]:
        """Yield in English and French what keeps it from being clear who may do what."""
        if not self.is_loopback and not self.knows_who_asks and not self.insecure:
            yield (
                f"host {self.host} can be reached from other machines, and no issuer of tokens is configured: "
                "whoever reaches it may read and write everything. Set issuers or builtin_issuer, keep to 127.0.0.1, "
                "or say insecure",
                f"host {self.host} peut être joint depuis d'autres machines, et aucun émetteur de jetons n'est "
                "configuré : quiconque le joint peut tout lire et tout écrire. Réglez issuers ou builtin_issuer, "
                "restez sur 127.0.0.1, ou dites insecure",
            )
        if self.builtin_issuer and self.public_url is None and self.port == 0:
            yield (
                "builtin_issuer needs an address that is known beforehand: give port or public_url",
                "builtin_issuer demande une adresse connue d'avance : donnez port ou public_url",
            )
        if self.clients is not None and not self.builtin_issuer:
            yield (
                "clients are the built-in issuer's: set builtin_issuer too",
                "clients sont ceux de l'émetteur intégré : réglez aussi builtin_issuer",
            )
        if self.clients is not None and self.workers > 1:
            yield (
                f"workers {self.workers} cannot tell each other which assertions of clients were used: set workers "
                "to 1",
                f"workers {self.workers} ne peuvent se dire quelles assertions de clients ont servi : mettez workers "
                "à 1",
            )
        urls = [issuer.url for issuer in self.issuers] + ([self.builtin_issuer_url] if self.builtin_issuer else [])
        if len(urls) > len(set(urls)):
            yield "two issuers have the same url", "deux émetteurs ont le même url"

    @property
    def knows_who_asks(self) -> bool:
        """Whether requests need a token."""
        return bool(self.issuers) or self.builtin_issuer

    @property
    def traces(self) -> bool:
        """Whether requests are recorded, with the default filled in."""
        return self.knows_who_asks if self.trace is None else self.trace

    @property
    def base_url(self) -> str:
        """The FHIR base URL: under it references are to this server's own resources, and tokens are meant for it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}{self.base_path}"

    @property
    def builtin_issuer_url(self) -> str:
        return f"{self.base_url}/auth"

    @property
    def issuer_key_file(self) -> Path:
        """The key of the built-in issuer, with its default filled in."""
        return self.issuer_key or self.data_folder / ISSUER_KEY

    @property
    def database_url(self) -> str:
        """The database, with its default filled in."""
        return self.database or f"sqlite:///{self.data_folder / 'fhir-gateway.sqlite'}"

    @property
    def is_sqlite(self) -> bool:
        return self.database is None or self.database.startswith("sqlite:")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the address listened on."""
        return is_loopback(self.host)


def file() -> Path | None:
    """Return the settings file: the one FHIR_GATEWAY_CONFIG names, else `fhir-gateway.toml` here, if there is one.

    Raises: FileNotFoundError when the variable names a file that is not there.
    """
    named = os.environ.get(FILE_VARIABLE)
    if named:
        path = Path(named)
        if not path.is_file():
            raise FileNotFoundError(f"{FILE_VARIABLE} names {path}, which is no file")
        return path
    return DEFAULT_FILE if DEFAULT_FILE.is_file() else None


def documentation() -> str:
    """Return the page SETTINGS.md, made from the settings themselves."""
    rows = [
        f"| `{name}` | {_default(field)} | {_bounds(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return _PAGE + "\n".join(rows) + "\n" + IDENTITY + PARTNERS + COLLECTORS


_PAGE = f"""# Settings

Each setting may be given

1. on the command line: `fhir-gateway serve --max-body-bytes 1048576`
2. in the environment: `{PREFIX}MAX_BODY_BYTES=1048576`
3. in a file: `max_body_bytes = 1048576` in `{DEFAULT_FILE}` (TOML) in the folder the gateway is started in, or in the
   file that `{FILE_VARIABLE}` names

The first that names a setting decides. A value out of bounds, or a name in the file that is no setting, keeps the
gateway from starting; a variable of the environment that looks like a setting and is none is told at start.

This page is made by `fhir-gateway settings`; a test compares the two.

| setting | default | bounds | what it does |
|---|---|---|---|
"""


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "the user's folder for data" if field.annotation is Path else ""
    if field.default is None:
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _bounds(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(field.annotation))
    told = []
    for bound in field.metadata:
        for name, words in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            if hasattr(bound, name):
                told.append(f"{words} {getattr(bound, name)}")
    return ", ".join(told)


def unknown_variables() -> list[str]:
    """Return the variables of the environment that look like settings and are none: a misspelling takes no effect."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {FILE_VARIABLE}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name.upper() not in known)


def _folder_of_user(variable: str, fallback: str) -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "fhir-gateway"
    # "All paths set in these environment variables must be absolute": XDG Base Directory Specification.
    set_by_user = os.environ.get(variable, "")
    root = Path(set_by_user) if os.path.isabs(set_by_user) else Path.home() / fallback
    return root / "fhir-gateway"
