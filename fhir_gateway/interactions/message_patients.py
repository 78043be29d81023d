"""Which patient a message is about when identities were merged, and which merges are refused.

Of a merge the survivor `replaces` the one that was retired, has its identifiers as old ones, and stands for it from
then on: what comes later under a retired identifier is about the survivor. Nothing is unmerged by itself.

Source: HL7 v2.5.1, chapter 3, 3.3.40 (A40); FHIR R4, Patient, "Linking Patients"; PAM France 2.11, A40.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import Conflict
from fhir_gateway.interactions import message_complaints as complaints
from fhir_gateway.store.contract import Key, Read, Version

if TYPE_CHECKING:
    from fhir_gateway.interactions.message_act import MessageAct
    from fhir_gateway.transform.run import Instance

_REPLACED = b'"replaced-by"'
_MOST = 20  # steps from one that was retired to the one that stays
_INS = tuple(f"urn:oid:1.2.250.1.213.1.4.{each}" for each in (8, 9, 10, 11))
_RELIABILITY = "fr-core-identity-reliability"


class Merge:
    """What is known of the patients of one message while it is planned."""

    def __init__(self, act: MessageAct) -> None:
        self.act = act
        self.survivor: Key | None = None  # of the last plan; None: it is not there yet
        self.made: Mapping[str, Any] | None = None
        self.stored: Mapping[str, Any] | None = None
        self.keys: dict[str, Key] = {}  # of those that are there, by fullUrl

    def linked(self, made: dict[str, Any]) -> dict[str, Any]:
        """Return what a message says of a patient with its links as they are stored, so that none comes twice."""
        if "link" not in made:
            return made
        return {**made, "link": [self._named(each) for each in made["link"]]}

    def _named(self, link: dict[str, Any]) -> dict[str, Any]:
        key = self.keys.get(link.get("other", {}).get("reference", ""))
        return link if key is None else {**link, "other": {**link["other"], "reference": "/".join(key)}}

    def choose(self, instance: Instance, chosen: list[Key]) -> list[Key]:
        """Note which patient an instance is about."""
        self.keys.pop(instance.full_url, None)
        if len(chosen) == 1:
            self.keys[instance.full_url] = chosen[0]
        return chosen


class Surviving:
    """The patient of a message: the one that stays."""

    def __init__(self, merge: Merge, instance: Instance) -> None:
        self.linked = merge.linked
        self._merge = merge
        self._instance = instance

    def chosen(self, view: Read, found: list[Key]) -> list[Key]:
        merge = self._merge
        kept: dict[Key, None] = {}
        through: set[Key] = set()
        for key, version in view.current_of(found).items():
            kept[_survivor(view, key, version, through)] = None
        if through and len(kept) == 1:
            merge.act.warn(complaints.SURVIVOR.at(None))
        if self._instance.id == "patient":
            merge.survivor = next(iter(kept), None)
            merge.made, merge.stored = self._instance.resource, None
        return merge.choose(self._instance, list(kept))

    def check(self, stored: Mapping[str, Any]) -> None:
        if self._instance.id == "patient":
            self._merge.stored = stored


class Merged:
    """The identity that a merge retires: itself, not what stands for it."""

    def __init__(self, merge: Merge, instance: Instance) -> None:
        self.linked = merge.linked
        self._merge = merge
        self._instance = instance

    def chosen(self, view: Read, found: list[Key]) -> list[Key]:
        merge = self._merge
        own = [key for key, version in view.current_of(found).items() if self._is_its_own(version)]
        for key in own:
            if key == merge.survivor:
                raise Conflict(complaints.MERGE_CIRCULAR.at(None))
            version = view.current(*key)
            through: set[Key] = set()
            if version is not None and _survivor(view, key, version, through) not in (key, merge.survivor):
                raise Conflict(complaints.MERGE_ELSEWHERE.at(None))
        return merge.choose(self._instance, own)

    def _is_its_own(self, version: Version) -> bool:
        """Tell whether somebody has an identifier of the one to be retired as one that holds."""
        wanted = {(each.get("system"), each.get("value")) for each in self._instance.resource.get("identifier", ())}
        return any(
            each.get("use") != "old" and (each.get("system"), each.get("value")) in wanted
            for each in decode(version.body).get("identifier", ())
        )

    def check(self, stored: Mapping[str, Any]) -> None:
        """Refuse to merge two identities that are both validated, with different INS. Raises: Conflict."""
        merge = self._merge
        staying = _validated_ins(merge.made or {}) or _validated_ins(merge.stored or {})
        going = _validated_ins(stored)
        if staying and going and staying.isdisjoint(going):
            raise Conflict(complaints.MERGE_TWO_INS.at(None))


def _survivor(view: Read, key: Key, version: Version, through: set[Key]) -> Key:
    """Return who stands for a patient; what it comes through is added to `through`."""
    for _ in range(_MOST):
        following = _replaced_by(version)
        if following is None or following in through:
            return key
        through.add(key)
        found = view.current(*following)
        if found is None or found.deleted:
            return key
        key, version = following, found
    return key


def _replaced_by(version: Version) -> Key | None:
    if _REPLACED not in version.body:
        return None
    for link in decode(version.body).get("link", ()):
        if link.get("type") == "replaced-by":
            type, _, id = str(link.get("other", {}).get("reference", "")).partition("/")
            if type == "Patient" and id:
                return (type, id)
    return None


def _validated_ins(patient: Mapping[str, Any]) -> set[str]:
    """Return the INS of a patient whose identity is validated."""
    statuses = (
        part.get("valueCoding", {}).get("code")
        for extension in patient.get("extension", ())
        if extension["url"].endswith(_RELIABILITY)
        for part in extension.get("extension", ())
    )
    if "VALI" not in statuses:
        return set()
    return {each["value"] for each in patient.get("identifier", ()) if each.get("system") in _INS and "value" in each}
