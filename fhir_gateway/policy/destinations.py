"""Destinations: where messages of HL7 v2 go, by partner: the address, and what of which kind is sent there.

Source: IHE ITI TF-2x, C.2.2 (MSH-3 to 6); IHE ITI TF-2, 3.19 (Authenticate Node).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, get_args

Kind = Literal["ORU", "MDM"]  # of messages that a report goes out by
KINDS: tuple[Kind, ...] = get_args(Kind)
PROCESSING = ("P", "T", "D")
Pair = tuple[str, str]  # application and facility, as they are written in MSH


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a partner listens and what it wants.

    `organisation`: whose requests' reports it gets, "system|value". `systems`: of the identifiers that it knows.
    `sites`: whose rules it is written to by; none: those of the site that `receiving` names.
    `acknowledgement`: enhanced where it says first that it has a message (CA), and later what it thinks of it.
    `rejected`: whether its line goes on after a message that was refused, or waits for somebody to look at it.
    `connection`: kept for further messages, or one for each. `give_up_hours`: after which a message is given up; 0:
    never.
    """

    name: str
    organisation: str
    host: str
    port: int
    kinds: tuple[Kind, ...] = ("ORU",)
    sites: tuple[str, ...] = ()
    sending: Pair = ("PASSERELLE", "PFMG")
    receiving: Pair = ("", "")
    systems: frozenset[str] = frozenset()
    charset: str = "UNICODE UTF-8"
    country: str = "FRA"
    version: str = ""
    processing: Literal["P", "T", "D"] = "P"
    tls: bool = True
    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None
    certificate_name: str = ""
    acknowledgement: Literal["original", "enhanced"] = "original"
    rejected: Literal["go-on", "wait"] = "go-on"
    connection: Literal["kept", "each"] = "kept"
    answer_seconds: float = 30.0
    give_up_hours: float = 0.0


class Destinations:
    """All destinations, by name, and by the organisation whose reports they get."""

    def __init__(self, destinations: Iterable[Destination] = ()) -> None:
        self.by_name = {each.name: each for each in destinations}
        self._by_organisation: dict[str, tuple[Destination, ...]] = {}
        for each in self.by_name.values():
            found = self._by_organisation.get(each.organisation, ())
            self._by_organisation[each.organisation] = (*found, each)

    def __bool__(self) -> bool:
        return bool(self.by_name)

    def of(self, organisations: Iterable[str]) -> list[Destination]:
        """Return where what concerns organisations goes, each once."""
        return list(
            {
                each.name: each for name in sorted(set(organisations)) for each in self._by_organisation.get(name, ())
            }.values()
        )


NOWHERE = Destinations()

_TEXTS = ("charset", "country", "version", "certificate_name")
_NAMES = ("organisation", "site")
_PATHS = ("certificate", "key", "authority")
_CHOICES = {
    "acknowledgement": ("original", "enhanced"),
    "rejected": ("go-on", "wait"),
    "processing": PROCESSING,
    "connection": ("kept", "each"),
}
_NUMBERS = {"answer_seconds": (0.1, 3600.0), "give_up_hours": (0.0, 24 * 365.0)}
_KEYS = {"host", "port", "kinds", "sending", "receiving", "systems", "tls", "plain", *_NAMES, *_TEXTS, *_PATHS,
         *_CHOICES, *_NUMBERS}  # fmt: skip


def destination(name: str, organisation: str, table: Any, sites: Sequence[str] = ()) -> Destination:
    """Return the destination of a partner, whose `sites` are its own where it names none.

    Raises: ValueError with each problem as an argument.
    """
    if not isinstance(table, dict):
        raise ValueError("destination is no table")
    problems = [f"destination has {key}, which means nothing" for key in sorted(table.keys() - _KEYS)]
    problems += _wrong_texts(table)
    host, port = table.get("host"), table.get("port")
    if not isinstance(host, str) or not host:
        problems.append("destination needs host")
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        problems.append("destination needs port, from 1 to 65535")
    kinds = table.get("kinds", ["ORU"])
    if not isinstance(kinds, list) or not kinds or not set(map(str, kinds)) <= set(KINDS):
        problems.append(f"destination: kinds is no list of {', '.join(KINDS)}")
    systems = table.get("systems", [])
    if not isinstance(systems, list) or not all(isinstance(each, str) and ":" in each for each in systems):
        problems.append("destination: systems is no list of systems of identifiers (uris)")
    for key, (least, most) in _NUMBERS.items():
        value = table.get(key, least)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            problems.append(f"destination: {key} is no number from {least:g} to {most:g}")
    tls = table.get("tls", not table.get("plain", False))
    if isinstance(host, str) and not tls and not table.get("plain", False) and not _is_loopback(host):
        problems.append("destination: names and INS go over this wire: tls, or say plain = true")
    if problems:
        raise ValueError(*problems)
    chosen = {key: table[key] for key in (*_TEXTS, *_CHOICES, *_NUMBERS) if key in table}
    chosen |= {key: Path(table[key]) for key in _PATHS if key in table}
    chosen |= {key: _pair(table[key]) for key in ("sending", "receiving") if key in table}
    return Destination(
        name, table.get("organisation", organisation), str(host), int(str(port)), tuple(kinds),
        sites=(table["site"],) if "site" in table else tuple(sites), systems=frozenset(systems), tls=bool(tls),
        **chosen,
    )  # fmt: skip


def _wrong_texts(table: Mapping[str, Any]) -> list[str]:
    problems = []
    for key in (*_TEXTS, *_PATHS, *_NAMES):
        if not isinstance(table.get(key, ""), str):
            problems.append(f"destination: {key} is no text")
    for key in ("sending", "receiving"):
        value = table.get(key, "|")
        if not isinstance(value, str) or value.count("|") != 1:
            problems.append(f'destination: {key} is no application and facility, as "DPI|HOPITAL"')
    for key in ("tls", "plain"):
        if not isinstance(table.get(key, False), bool):
            problems.append(f"destination: {key} is neither true nor false")
    for key, choices in _CHOICES.items():
        if table.get(key, choices[0]) not in choices:
            problems.append(f"destination: {key} is none of {', '.join(choices)}")
    organisation = table.get("organisation", "a|b")
    if isinstance(organisation, str) and not all(organisation.partition("|")[::2]):
        problems.append("destination: organisation is no identifier, system|value")
    if isinstance(table.get("key", ""), str) and "key" in table and "certificate" not in table:
        problems.append("destination: key is that of a certificate, which is not there")
    return problems


def _pair(text: str) -> Pair:
    application, _, facility = text.partition("|")
    return application, facility


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


DESTINATIONS = """
### Destinations

A partner that is to get reports says where it listens: the report of a dossier goes there when it becomes final, is
amended or withdrawn, if its requester is the partner's organisation. Such a partner need not send anything.

```toml
[chu-exemple.destination]
host = "dpi.chu.example.org"
port = 2575
kinds = ["ORU"]                                # or "MDM", or both
receiving = "DPI|HOPITAL-EXEMPLE"              # MSH-5|MSH-6
systems = ["urn:oid:1.2.250.1.999.1"]          # of the identifiers that it knows
certificate = "passerelle.pem"
authority = "autorite.pem"
```

- `sending`: what MSH-3 and MSH-4 say; left out: `PASSERELLE|PFMG`.
- `systems`: of the identifiers of patients, visits and orders that go there, beside the qualified INS.
- `site`: by whose rules (`sites/<name>/out` of the mappings) it is written to; left out: the partner's `sites`, else
  the site that `receiving` names.
- `tls`: false for plain TCP, which another host than loopback gets with `plain = true` only.
- `certificate`, `key`, `authority`: PEM files: our own, and who issues theirs; `certificate_name`: the name in theirs,
  if it is not `host`.
- `acknowledgement`: `original`, one answer; `enhanced`: CA first, and AA, AE or AR later, by whichever way.
- `rejected`: after AE the line goes on (`go-on`), or waits until somebody sends it again or sets it aside (`wait`).
- `connection`: `kept` for further messages, or one for `each`: there are listeners that read only one.
- `answer_seconds`: how long an answer is waited for (30); `give_up_hours`: when a message is given up (0: never).
- `organisation`: whose reports, if not the partner's own; `charset`, `country`, `version`, `processing`: MSH-18, 17, 12
  and 11.
"""
