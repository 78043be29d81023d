"""The command `fhir-gateway token`: access tokens of the built-in issuer, for trying things by hand.

Source: RFC 6750; SMART App Launch 2.2.0, "Scopes"; the roles of `policy`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from fhir_gateway.cli import chosen_settings, give_up, in_french
from fhir_gateway.demo.credentials import TOKENS, made, names
from fhir_gateway.policy import scopes
from fhir_gateway.policy.actor import ROLES
from fhir_gateway.policy.builtin_issuer import BuiltinIssuer
from fhir_gateway.policy.clients import BadClients
from fhir_gateway.settings import Settings
from fhir_gateway.trust import NoTrust, builtin_issuer

FINESS = "https://finess.esante.gouv.fr"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = 30 * 86_400  # seconds
_LIFE = re.compile(r"(\d{1,8})([smhd])")
_ORGANISATION = re.compile(r"(?:[^|\s]+\|)?[^|\s]+")
_RPPS = re.compile(r"\d{11}")


def token(
    role: Annotated[str, typer.Option(help=f"Who acts: {', '.join(ROLES)}.")] = "",
    organisation: Annotated[
        str, typer.Option(help="The structure acted for: a FINESS number, or another identifier as 'system|value'.")
    ] = "",
    rpps: Annotated[str, typer.Option(help="The RPPS number, where a person acts.")] = "",
    scope: Annotated[
        str,
        typer.Option(help="SMART scopes. Default: everything the role may do (system/*.cruds, persons user/*.cruds)."),
    ] = "",
    life: Annotated[str, typer.Option(help="How long it holds: 300s, 30m, 1h, 1d; at most 30d.")] = "",
    subject: Annotated[str, typer.Option(help="The name of who acts, for traces. Default: made of the role.")] = "",
    demo: Annotated[
        bool,
        typer.Option(
            "--demo", help="A token for each role of the demonstration; kept in `tokens` of the data folder too."
        ),
    ] = False,
) -> None:
    """Print an access token of the built-in issuer, to try things by hand.

    The gateway must run with the built-in issuer (setting builtin_issuer), and this command must see the same
    settings: the key it signs with lies in the data folder, and the token is meant for the address of that gateway. So
    give both the same fhir-gateway.toml, or the same environment. Whoever has the key may act as anybody: it is its
    owner's only.

    \b
    Examples:
    export FHIR_GATEWAY_BUILTIN_ISSUER=true
    fhir-gateway serve &
    fhir-gateway token --role prescripteur --organisation 990000010 --rpps 99900000011
    fhir-gateway token --role plateforme --organisation 690043534 --scope 'system/ServiceRequest.rs system/Task.rus'
    curl -H "Authorization: Bearer $(fhir-gateway token --role administrateur)" http://127.0.0.1:8080/fhir/Patient

    \b
    What each role may do: fhir-gateway policy
    """
    settings = chosen_settings({})
    if not settings.builtin_issuer:
        give_up(
            "l'émetteur intégré est éteint : mettez FHIR_GATEWAY_BUILTIN_ISSUER=true, ou builtin_issuer = true dans "
            "fhir-gateway.toml, pour la passerelle et pour cette commande ; sinon demandez un jeton à votre émetteur"
            if in_french()
            else "the built-in issuer is off: set FHIR_GATEWAY_BUILTIN_ISSUER=true, or builtin_issuer = true in "
            "fhir-gateway.toml, for the gateway and for this command; or ask your own issuer for a token"
        )
    seconds = _seconds(life or ("1d" if demo else "1h"))
    try:
        issuer = builtin_issuer(settings, with_clients=False)
    except (NoTrust, BadClients) as error:
        give_up(str(error))
    if demo:
        _demo(issuer, settings, seconds)
        return
    problems = _problems(role, organisation, rpps, scope)
    if problems:
        give_up("\n".join(problems), 2)
    typer.echo(_made(issuer, role, _identifier(organisation), rpps or None, scope, seconds, subject))


def _problems(role: str, organisation: str, rpps: str, scope: str) -> list[str]:
    found = []
    if role not in ROLES:
        told = f"--role {role} : il y a" if in_french() else f"--role {role}: there is"
        found.append(f"{told} {', '.join(ROLES)}")
    if organisation and not _ORGANISATION.fullmatch(organisation):
        told = f"--organisation {organisation}"
        found.append(
            f"{told} : numéro FINESS, ou système|valeur" if in_french() else f"{told}: FINESS, or system|value"
        )
    if rpps and not _RPPS.fullmatch(rpps):
        found.append(f"--rpps {rpps} : onze chiffres" if in_french() else f"--rpps {rpps}: eleven digits")
    unknown = scopes.read(scope, levels=("user", "system")).unknown
    if unknown:
        told = "n'est pas de la forme" if in_french() else "is not of the form"
        found.append(f"--scope {' '.join(unknown)} {told} system/Type.cruds, user/*.rs")
    return found


def _seconds(life: str) -> int:
    found = _LIFE.fullmatch(life)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        give_up(f"--life {life} : 300s, 30m, 1h, 30d" if in_french() else f"--life {life}: 300s, 30m, 1h, up to 30d", 2)
    return seconds


def _identifier(organisation: str) -> str | None:
    if not organisation:
        return None
    return organisation if "|" in organisation else f"{FINESS}|{organisation}"


def _made(
    issuer: BuiltinIssuer, role: str, organisation: str | None, rpps: str | None, scope: str, life: int, subject: str
) -> str:
    granted = scopes.read(scope or ("user/*.cruds" if rpps else "system/*.cruds"), levels=("user", "system"))
    return issuer.token(subject or f"{role}-{rpps or 'system'}", role, organisation, granted, rpps=rpps, life=life)


def _demo(issuer: BuiltinIssuer, settings: Settings, life: int) -> None:
    """Print a token for each role, and keep one for each who acts: as the header that `curl -H @file` sends."""
    folder = settings.data_folder / TOKENS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, actor in names():
        token = made(issuer, actor, life)
        _keep(folder / name, f"Authorization: Bearer {token}")
        if name == actor.role:
            whose = "" if actor.organisation is None else f" · FINESS {actor.organisation.partition('|')[2]}"
            typer.echo(f"{actor.role}{whose}\n  {token}")
    hours = life // 3600
    typer.echo(
        f"\nCes jetons valent {hours} h ; ils sont aussi dans {folder}/, avec ceux d'autres établissements : "
        f"curl -H @{folder}/prescripteur …"
        if in_french()
        else f"\nThese tokens hold for {hours} hours; they are in {folder}/ too, with those of other structures: "
        f"curl -H @{folder}/prescripteur …"
    )


def _keep(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text + "\n", encoding="utf-8")
