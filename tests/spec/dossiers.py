"""Dossiers of several organisations, to ask what each of them sees: who owns, names and addresses whom is written down.

Five structures: the hospitals m, a, b and the platforms l, q. Each resource has a word of its own that nothing else
has (`xqz` and a number), in its id and in its texts, so that whatever of it comes out is known by it; beside it all
dossiers have the same names, codes and dates, so that whatever counts or orders them sees all of them.

Who sees what is reckoned here from what is written down beside each resource (`owner`, `names`, `about`) and from who
addressed whom about which patient (`World.shares`), as the design of access says it, not as the gateway does it.

Source: issue 6; FHIR R4, CompartmentDefinition "patient".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

FINESS = "urn:oid:1.2.250.1.71.4.2.2"
INS = "urn:oid:1.2.250.1.213.1.4.8"
LOINC, SNOMED, UCUM = "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org"
STRUCTURES = ("m", "a", "b", "l", "q")

Resource = dict[str, Any]
Key = tuple[str, str]


def finess(structure: str) -> str:
    """Return the identifier of a structure, as tokens name it."""
    return f"{FINESS}|{750000000 + ord(structure)}"


@dataclass(slots=True)
class Item:
    """A resource and what became of it. `owner` "": written for nobody's organisation; `about`: patients' ids."""

    resource: Resource
    owner: str
    names: frozenset[str] = frozenset()
    about: frozenset[str] = frozenset()
    public: bool = False
    then: list[Resource | None] = field(default_factory=list)  # later versions; None: deleted
    commit: int = 0  # what is written one after the other with the same number is written together

    @property
    def key(self) -> Key:
        return (self.resource["resourceType"], self.resource["id"])

    @property
    def deleted(self) -> bool:
        return bool(self.then) and self.then[-1] is None


class _Words:
    """Words that come once each."""

    def __init__(self) -> None:
        self._number = 100

    def __call__(self) -> str:
        self._number += 1
        return f"xqz{self._number}"


_FAMILIES = ("Martin", "Le Goff", "Étienne", "Durand")
_CODES = (("29463-7", "Body weight"), ("8867-4", "Heart rate"), ("51963-7", "Medication assessed"))
_FINDINGS = (("1250007", "Intellectual disability"), ("91175000", "Seizure"), ("48694002", "Anxiety"))


def organisation(structure: str) -> Resource:
    return {"reference": f"Organization/org-{structure}"}


def _coded(system: str, code: tuple[str, str], word: str) -> Resource:
    return {"coding": [{"system": system, "code": code[0], "display": code[1]}], "text": f"{code[1]} {word}"}


class World:
    """All resources, in the order they are written."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.word = _Words()
        # By patient: whose resources about them are seen by whom, because a resource addresses one of the two.
        self.shares: dict[str, set[tuple[str, str]]] = {}
        self.owners: dict[str, str] = {}  # of patients
        self._directory()
        self._dossiers()
        commit = 0
        for before, item in pairwise(self.items):
            # What is hidden between two commits must not let the other side make one of them.
            commit += bool(before.then) or before.owner != item.owner
            item.commit = commit

    def add(
        self, type: str, owner: str, about: str | tuple[str, ...] = (), names: str = "", /, **elements: Any
    ) -> Item:
        """Add a resource with a word of its own, which stands for WORD in its texts. `names`: letters of structures."""
        word = self.word()
        made: Resource = {"resourceType": type, "id": f"{type.lower()[:20]}-{word}"}
        made.update(_with(elements, word))
        patients = frozenset((about,) if isinstance(about, str) else about)
        if type == "Patient":
            patients |= {made["id"]}
            self.owners[made["id"]] = owner
        item = Item(made, owner, frozenset(names), patients)
        self.items.append(item)
        return item

    def sees(self, structure: str, item: Item) -> bool:
        """Tell whether the actors of a structure ("": of none) see a resource, as it is at last."""
        if item.public or (item.owner and item.owner == structure):
            return True
        if item.deleted or not structure:
            return False  # what is deleted only its owner still hears of
        shared = any((item.owner, structure) in self.shares.get(patient, ()) for patient in item.about)
        return structure in item.names or (shared and item.owner != "")

    # --- what everybody sees

    def _directory(self) -> None:
        for structure in STRUCTURES:
            system, _, value = finess(structure).partition("|")
            for made in (
                {
                    "resourceType": "Organization", "id": f"org-{structure}", "active": True,
                    "identifier": [{"system": system, "value": value}], "name": f"Structure {structure}",
                },
                {
                    "resourceType": "Practitioner", "id": f"pr-{structure}",
                    "name": [{"family": _FAMILIES[len(self.items) % 4], "given": [structure]}],
                },
                {
                    "resourceType": "PractitionerRole", "id": f"role-{structure}",
                    "organization": organisation(structure),
                    "practitioner": {"reference": f"Practitioner/pr-{structure}"},
                },
                {
                    "resourceType": "Location", "id": f"loc-{structure}", "name": f"Site {structure}",
                    "managingOrganization": organisation(structure),
                },
            ):  # fmt: skip
                self.items.append(Item(made, "", public=True))
        definitions: tuple[Resource, ...] = (
            {
                "resourceType": "ValueSet", "id": "vs", "url": "https://example.org/vs", "status": "active",
                "compose": {"include": [{"system": LOINC, "concept": [{"code": code} for code, _ in _CODES]}]},
            },
            {
                "resourceType": "GraphDefinition", "id": "graph", "url": "https://example.org/graph",
                "name": "Graph", "status": "active", "start": "Patient",
                "link": [
                    {"target": [{"type": "Observation", "params": "subject={ref}"}]},
                    {"target": [{"type": "ServiceRequest", "params": "subject={ref}",
                        "link": [{"path": "ServiceRequest.supportingInfo", "target": [{"type": "Observation"}]}]}]},
                ],
            },
            {
                "resourceType": "Questionnaire", "id": "questionnaire", "url": "https://example.org/q",
                "status": "active", "item": [{"linkId": "1", "text": "Antécédents", "type": "string"}],
            },
        )  # fmt: skip
        for made in definitions:
            self.items.append(Item(made, "", public=True))

    # --- the dossiers

    def _dossiers(self) -> None:
        self.dossier("m", status="draft", performer="l")
        p = self.dossier("m", performer="l")
        self.results("l", p, "m")
        self.passed_on("l", p, "q")
        self.results("q", p, "l")
        p = self.dossier("m", task="a")
        self.results("a", p, "m")
        self.results("b", p, "")  # a third one, who shares with neither
        p = self.dossier("a", custodian="m", provider="m")
        self.results("q", p, "")
        p = self.dossier("a", performer="l")
        self.results("l", p, "a")
        p = self.dossier("a", performer="l", withdrawn=True)
        self.results("l", p, "")
        p = self.dossier("b", performer="q")
        self.results("q", p, "b")
        p = self.dossier("b", task="m", role=True)
        self.results("m", p, "b")
        self.dossier("", performer="m")
        self.dossier("b", managing="m")

    def dossier(
        self,
        owner: str,
        *,
        performer: str = "",
        task: str = "",
        status: str = "active",
        custodian: str = "",
        provider: str = "",
        managing: str = "",
        withdrawn: bool = False,
        role: bool = False,
    ) -> str:
        """Add a dossier, addressed to `performer` by its order or to `task` by its task; return the patient's id.

        `withdrawn`: the order was entered in error. `role`: structures are named by their PractitionerRoles.
        """
        turn = len(self.items)
        own = organisation(owner) if owner else None
        named = {"managingOrganization": organisation(managing)} if managing else {}
        made = self.add(
            "Patient", owner, (), managing, **named,
            meta={"profile": ["urn:x:WORD"], "security": [{"system": "urn:x", "code": "WORD"}]},
            active=True, gender=("female", "male")[turn % 2], birthDate=f"{1990 + turn % 20}-05-17",
            identifier=[{"system": INS, "value": "WORD"}, {"system": "urn:x:ipp", "value": str(turn % 3)}],
            name=[{"family": _FAMILIES[turn % 4], "given": ["Anne", "WORD"]}],
            address=[{"city": "Lyon", "text": "WORD, rue des Martyrs"}],
            text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Dossier WORD</div>'},
        )  # fmt: skip
        p = made.resource["id"]
        subject = {"reference": f"Patient/{p}"}
        mother = self.add(
            "Patient", owner, gender="female", name=[{"family": _FAMILIES[turn % 4], "given": ["Mère", "WORD"]}],
            identifier=[{"system": INS, "value": "WORD"}],
        ).resource["id"]  # fmt: skip
        of_mother = self.add(
            "Observation", owner, mother, status="final", code=_coded(LOINC, _CODES[0], "WORD"),
            subject={"reference": f"Patient/{mother}"},
            valueQuantity={"value": 61.5, "unit": "kg", "system": UCUM, "code": "kg"},
        ).resource["id"]  # fmt: skip
        self.add(
            "RelatedPerson", owner, p, patient=subject, name=[{"text": "Tante WORD"}],
            relationship=[{"coding": [{"code": "MTH"}]}],
        )  # fmt: skip
        visit = self.add(
            "Encounter", owner, p, provider, status="finished", subject=subject, identifier=[{"value": "WORD"}],
            **{"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}},
            period={"start": "2019-03-01", "end": "2019-03-02"},
            **({"serviceProvider": organisation(provider)} if provider else {}),
        ).resource["id"]  # fmt: skip
        encounter = {"reference": f"Encounter/{visit}"}
        for number, finding in enumerate(_FINDINGS[: 2 + turn % 2]):
            self.add(
                "Condition", owner, p, subject=subject, encounter=encounter, code=_coded(SNOMED, finding, "WORD"),
                meta={"tag": [{"system": "urn:x", "code": "WORD"}, {"system": "urn:x", "code": "a"}]},
                onsetDateTime=f"201{number}-0{1 + turn % 9}-01", recordedDate="2019-03-01",
                note=[{"text": "WORD, vu en consultation"}],
            )  # fmt: skip
        weight = self.add(
            "Observation", owner, p, status="final", subject=subject, encounter=encounter,
            code=_coded(LOINC, _CODES[0], "WORD"), effectiveDateTime=f"2019-03-0{1 + turn % 9}T10:00:00Z",
            valueQuantity={"value": 20 + turn % 7, "unit": "kg", "system": UCUM, "code": "kg"},
        )  # fmt: skip
        weight.then = [{**weight.resource, "status": "amended"}]
        rate = self.add(
            "Observation", owner, p, status="final", subject=subject, code=_coded(LOINC, _CODES[1], "WORD"),
            derivedFrom=[{"reference": f"Observation/{weight.resource['id']}"}], valueString="WORD",
            component=[{"code": _coded(LOINC, _CODES[2], "WORD"), "valueCodeableConcept": {"text": "WORD"}}],
        )  # fmt: skip
        gone = self.add(
            "Observation", owner, p, status="preliminary", subject=subject, code=_coded(LOINC, _CODES[2], "WORD")
        )
        gone.then = [None]
        self.add(
            "FamilyMemberHistory", owner, p, status="completed", patient=subject, name="WORD",
            relationship={"coding": [{"code": "MTH"}]}, condition=[{"code": _coded(SNOMED, _FINDINGS[1], "WORD")}],
        )  # fmt: skip
        self.add(
            "Consent", owner, p, owner, status="active", patient=subject, dateTime="2019-03-01",
            scope={"coding": [{"code": "research"}]}, category=[{"coding": [{"system": LOINC, "code": "59284-0"}]}],
            policyRule={"text": "WORD"}, **({"organization": [own]} if own else {}),
        )  # fmt: skip
        self.add(
            "DocumentReference", owner, p, custodian, status="current", subject=subject, description="WORD",
            type=_coded(LOINC, ("11502-2", "Laboratory report"), "WORD"), date="2019-03-01T00:00:00Z",
            content=[{"attachment": {"contentType": "text/plain", "url": "https://example.org/WORD", "title": "WORD"}}],
            **({"custodian": organisation(custodian)} if custodian else {}),
        )  # fmt: skip
        specimen = self.add(
            "Specimen", owner, p, subject=subject, status="available", accessionIdentifier={"value": "WORD"},
            collection={"collectedDateTime": "2019-03-01"},
        ).resource["id"]  # fmt: skip
        order = self.add(
            "ServiceRequest", owner, p, status=status, intent="order", subject=subject, encounter=encounter,
            identifier=[{"system": "urn:x:order", "value": "WORD"}], priority="routine",
            code=_coded(LOINC, ("81247-9", "Master HL7 genetic variant reporting panel"), "WORD"),
            specimen=[{"reference": f"Specimen/{specimen}"}], authoredOn="2019-03-02",
            supportingInfo=[{"reference": f"Observation/{each}"} for each in (of_mother, rate.resource["id"])],
            **({"requester": self._who(owner, role)} if owner else {}),
            **({"performer": [self._who(performer, role)]} if performer else {}),
        )  # fmt: skip
        order.names |= frozenset(owner)
        if withdrawn:
            order.then = [{**order.resource, "status": "entered-in-error"}]
        elif status == "active" and performer:
            order.names |= {performer}
            self._share(p, owner, performer)
        to_do = self.add(
            "Task", owner, p, status="requested", intent="order", focus={"reference": f"ServiceRequest/{order.key[1]}"},
            description="WORD", authoredOn="2019-03-02T00:00:00Z", **{"for": subject},
            **({"owner": self._who(task, role)} if task else {}),
        )  # fmt: skip
        if task:
            to_do.names |= {task}
            self._share(p, owner, task)
        self.add(
            "Group", owner, (p, mother), type="person", actual=True, name="Famille WORD",
            member=[{"entity": {"reference": f"Patient/{each}"}} for each in (p, mother)],
        )  # fmt: skip
        self.add(
            "QuestionnaireResponse", owner, p, status="completed", subject=subject, authored="2019-03-01",
            questionnaire="https://example.org/q", item=[{"linkId": "1", "answer": [{"valueString": "WORD"}]}],
        )  # fmt: skip
        self.add(
            "List", owner, p, status="current", mode="working", subject=subject, title="WORD",
            entry=[{"item": {"reference": f"Observation/{weight.resource['id']}"}}],
        )  # fmt: skip
        self.add(
            "Provenance", owner, p, owner, target=[subject], recorded="2019-03-01T00:00:00Z",
            agent=[{"who": own or {"display": "WORD"}}], activity={"text": "WORD"},
        )  # fmt: skip
        self.add(
            "Communication", owner, p, provider, status="completed", subject=subject,
            payload=[{"contentString": "WORD"}],
            **({"recipient": [organisation(provider)]} if provider else {}),
        )  # fmt: skip
        self._moved(owner, subject, custodian)
        self._containing(owner, p, subject)
        return str(p)

    def _moved(self, owner: str, subject: Resource, custodian: str) -> None:
        """Add documents that another structure kept first, or keeps now."""
        patient = subject["reference"].partition("/")[2]
        kept = {"custodian": organisation(custodian)} if custodian else {}
        content = [{"attachment": {"title": "WORD", "url": "urn:x:WORD"}}]
        before, after = (
            self.add("DocumentReference", owner, patient, status="current", subject=subject, content=content)
            for _ in range(2)
        )
        plain = before.resource
        before.resource = {**plain, **kept}
        before.then = [{**plain, "docStatus": "final"}]
        after.then = [{**after.resource, **kept, "docStatus": "final"}]
        after.names |= frozenset(custodian)

    def _containing(self, owner: str, patient: str, subject: Resource) -> None:
        """Add a resource with others inside it, and one that was deleted and brought back."""
        self.add(
            "MedicationRequest", owner, patient, status="active", intent="order", subject=subject,
            contained=[
                {"resourceType": "Medication", "id": "drug", "code": {"text": "Drug WORD"}},
                {"resourceType": "Practitioner", "id": "who", "name": [{"family": "Martin", "text": "WORD"}]},
            ],
            medicationReference={"reference": "#drug"}, requester={"reference": "#who"},
        )  # fmt: skip
        back = self.add("Condition", owner, patient, subject=subject, code=_coded(SNOMED, _FINDINGS[0], "WORD"))
        back.then = [None, {**back.resource, "recordedDate": "2019-04-01"}]

    def results(self, owner: str, patient: str, told: str) -> None:
        """Add what a structure writes about another's patient; `told`: who is named by it beside the owner."""
        subject = {"reference": f"Patient/{patient}"}
        performer = [organisation(each) for each in (owner, *told)]
        names = owner + told
        variant = self.add(
            "Observation", owner, patient, names, status="final", subject=subject, performer=performer,
            code=_coded(LOINC, ("69548-6", "Genetic variant assessment"), "WORD"),
            valueCodeableConcept={"coding": [{"system": LOINC, "code": "LA9633-4", "display": "Present"}]},
            component=[{"code": _coded(LOINC, ("48018-6", "Gene studied"), "WORD"), "valueString": "WORD"}],
        ).resource["id"]  # fmt: skip
        private = self.add(
            "Observation", owner, patient, status="preliminary", subject=subject, valueString="WORD",
            code=_coded(LOINC, _CODES[2], "WORD"),
        )  # fmt: skip
        self.add(
            "MolecularSequence", owner, patient, coordinateSystem=0, patient=subject, type="dna",
            observedSeq="ACGT", identifier=[{"value": "WORD"}],
        )  # fmt: skip
        self.add(
            "DiagnosticReport", owner, patient, names, status="final", subject=subject, performer=performer,
            code=_coded(LOINC, ("81247-9", "Panel"), "WORD"), issued="2019-06-01T00:00:00Z",
            result=[{"reference": f"Observation/{each}"} for each in (variant, private.resource["id"])],
            conclusion="WORD",
        )  # fmt: skip
        gone = self.add("Observation", owner, patient, status="final", subject=subject, code={"text": "WORD"})
        gone.then = [{**gone.resource, "status": "amended"}, None]

    def passed_on(self, owner: str, patient: str, to: str) -> None:
        """Add a task about another's patient, by which a structure addresses a third one."""
        self.add(
            "Task", owner, patient, to, status="requested", intent="order", description="WORD",
            owner=self._who(to, role=False), **{"for": {"reference": f"Patient/{patient}"}},
        )  # fmt: skip
        self._share(patient, owner, to)

    def _who(self, structure: str, role: bool) -> Resource:
        if role:
            return {"reference": f"PractitionerRole/role-{structure}"}
        system, _, value = finess(structure).partition("|")
        # By reference, or by the identifier alone.
        if len(self.items) % 2:
            return organisation(structure)
        return {"type": "Organization", "identifier": {"system": system, "value": value}}

    def _share(self, patient: str, owner: str, other: str) -> None:
        """Note that a resource of an owner's about a patient addresses another structure."""
        if owner:
            shares = self.shares.setdefault(patient, set())
            shares.add((owner, other))
            if self.owners[patient] == owner:
                shares.add((other, owner))  # what whom it addressed writes about its patient


def _with(value: Any, word: str) -> Any:
    if isinstance(value, dict):
        return {name: _with(each, word) for name, each in value.items()}
    if isinstance(value, list):
        return [_with(each, word) for each in value]
    return value.replace("WORD", word) if isinstance(value, str) else value


def versions(item: Item) -> Iterator[Resource | None]:
    """Yield what is written of a resource, one after the other; None: deleted."""
    yield item.resource
    yield from item.then
