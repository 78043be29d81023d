"""Measures and reports on them: groups, populations, stratifiers and scores that match.

Source: FHIR R4, Measure; MeasureReport; Quality Reporting.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import questionnaire_complaints as complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.places import below, extension, listed, objects, text_of, written
from fhir_gateway.conformance.validation.resolution import rest
from fhir_gateway.fhir.fhirpath import Node
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.fhir.xml import document

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_SCORED = ("proportion", "ratio", "continuous-variable")
_CQL = ("text/cql", "text/cql.identifier", "text/cql-identifier")
_ELM = "{urn:hl7-org:elm:r1}"
_UNIT = "http://hl7.org/fhir/StructureDefinition/questionnaire-unit"
# An extension that gives a score of another type.
_OTHER_SCORE = "http://hl7.org/fhir/us/davinci-deqm/StructureDefinition/extension-alternateScoreType"
_SUBJECTS = frozenset({"Patient", "Practitioner", "Person", "PractitionerRole", "RelatedPerson"})

Part = Mapping[str, Any]


# --- Measure


def check(walk: Walk, node: Node) -> None:
    """Report what is wrong with a Measure beyond its definition's rules."""
    model = walk.engine.model
    libraries: list[Part] = []
    for library in below(model, node, "library"):
        known = walk.schemas.resource("Library", str(library.value))
        if known is None:
            walk.report(found(complaints.MEASURE_LIBRARY, node, url=library.value))
        else:
            libraries.append(known)
    groups = objects(model, node, "group")
    if not groups:
        walk.report(found(complaints.MEASURE_NO_GROUPS, node))
    _codes(walk, groups, "group")
    for group in groups:
        if "population" not in group.value:
            walk.report(found(complaints.MEASURE_NO_POPULATION, group))
        _codes(walk, objects(model, group, "population"), "population")
        stratifiers = objects(model, group, "stratifier")
        _codes(walk, stratifiers, "stratifier")
        for stratifier in stratifiers:
            _codes(walk, objects(model, stratifier, "component"), "stratifier component")
            for criteria in objects(model, stratifier, "criteria"):
                _criteria(walk, criteria, libraries)


def _codes(walk: Walk, parts: list[Node], name: str) -> None:
    for part in parts if len(parts) > 1 else ():
        if "code" not in part.value:
            walk.report(found(complaints.MEASURE_CODE, part, name=name))


def _criteria(walk: Walk, criteria: Node, libraries: list[Part]) -> None:
    expression = text_of(criteria.value, "expression")
    if criteria.value.get("language") not in _CQL or expression is None:
        return
    name, dot, inner = expression.partition(".")
    meant = [library for library in libraries if not dot or library.get("name") == name]
    if not libraries:
        walk.report(found(complaints.MEASURE_NO_LIBRARY, criteria))
    elif not meant:
        walk.report(found(complaints.MEASURE_LIBRARY_NAME, criteria, name=name))
    elif len(meant) > 1:
        walk.report(found(complaints.MEASURE_LIBRARY_MANY, criteria))
    else:
        _compiled(walk, criteria, meant[0], inner if dot else expression)


def _compiled(walk: Walk, criteria: Node, library: Part, name: str) -> None:
    """Report criteria that the compiled form of their library (ELM) does not define."""
    texts = {"url": library.get("url", ""), "name": name}
    content = [each for each in listed(library, "content") if each.get("contentType") == "application/elm+xml"]
    data = text_of(content[-1], "data") if content else None
    if data is None:
        walk.report(found(complaints.MEASURE_NOT_COMPILED, criteria, **texts))
        return
    try:
        elm = base64.b64decode("".join(data.split()), validate=True)
        _, root = document(elm)
    except (ValueError, FhirError):
        walk.report(found(complaints.MEASURE_COMPILED_UNREADABLE, criteria, **texts))
        return
    if root.tag != f"{_ELM}library":
        walk.report(found(complaints.MEASURE_COMPILED_UNREADABLE, criteria, **texts))
    elif all(each.get("name") != name for each in root.iterfind(f"{_ELM}statements/{_ELM}def")):
        walk.report(found(complaints.MEASURE_NOT_DEFINED, criteria, **texts))


# --- MeasureReport


def check_report(walk: Walk, node: Node) -> None:
    """Report what is wrong with a MeasureReport as a report on its measure."""
    url = text_of(node.value, "measure")
    if url is None:
        walk.report(found(complaints.REPORT_NO_MEASURE, node))
        return
    measure = _measure(walk, node, url)
    if measure is None:
        walk.report(found(complaints.REPORT_MEASURE_UNKNOWN, node, url=url))
        return
    scoring = _codings(measure.get("scoring"))
    report = _Report(walk, node, measure, scoring[0][1] if scoring else None)
    if report.scoring not in (*_SCORED, "cohort"):
        walk.report(found(complaints.REPORT_SCORING, below(walk.engine.model, node, "measure")[0]))
    report.check()


def _measure(walk: Walk, node: Node, url: str) -> Part | None:
    if not url.startswith("#"):
        measure = walk.schemas.resource("Measure", url)
        _, mark, version = url.partition("|")
        # A report is not held to another version than the one it names.
        return None if mark and measure is not None and measure.get("version") != version else measure
    contained = (each for each in listed(node.value, "contained") if each.get("id") == url[1:])
    return next((each for each in contained if each.get("resourceType") == "Measure"), None)


@dataclass(frozen=True, slots=True)
class _Report:
    walk: Walk
    node: Node
    measure: Part
    scoring: str | None

    def _tell(self, complaint: Any, node: Node, **texts: object) -> None:
        self.walk.report(found(complaint, node, **texts))

    @property
    def type(self) -> str | None:
        return text_of(self.node.value, "type")

    def check(self) -> None:
        groups = objects(self.walk.engine.model, self.node, "group")
        defined = [*listed(self.measure, "group")]
        if not defined:
            return
        if len(groups) == 1 and len(defined) == 1:
            # A single group may go without a code; where both have one they agree.
            own, other = groups[0].value.get("code"), defined[0].get("code")
            if own is not None and other is not None:
                if not any(system is not None for system, _ in _codings(own)):
                    self._tell(complaints.REPORT_CODE_UNUSABLE, groups[0])
                    return
                if not _agree(own, other):
                    self._tell(complaints.REPORT_CODE_UNKNOWN, groups[0], name="group")
            self._group(groups[0], defined[0])
            return
        optional: Callable[[Part], bool] = lambda _: self.type == "data-collection"  # noqa: E731
        self._matched(self.node, groups, defined, "group", self._group, optional)

    def _matched(
        self,
        holder: Node,
        given: list[Node],
        defined: Iterable[Part],
        name: str,
        check: Callable[[Node, Part], None],
        is_optional: Callable[[Part], bool],
    ) -> None:
        """Match parts of the report with those of the measure by their code, and check each pair."""
        wanted = [*defined]
        used: list[Part] = []
        for part in given:
            code = part.value.get("code")
            if code is None:
                self._tell(complaints.REPORT_NO_CODE, part, name=name)
                continue
            agree = _agree_or_say if name == "group stratifier" else _agree
            definition = next((each for each in wanted if agree(code, each.get("code"))), None)
            if definition is None:
                self._tell(complaints.REPORT_CODE_UNKNOWN, part, name=name)
            elif any(each is definition for each in used):
                self._tell(complaints.REPORT_CODE_TWICE, part, name=name)
            else:
                used.append(definition)
                check(part, definition)
        for definition in wanted:
            if not any(each is definition for each in used) and not is_optional(definition):
                self._tell(complaints.REPORT_MISSING, holder, name=name, code=_shown(definition.get("code")))

    def _group(self, group: Node, definition: Part) -> None:
        model = self.walk.engine.model
        populations = objects(model, group, "population")
        defined = [*listed(definition, "population")]
        self._matched(group, populations, defined, "group population", self._population, _is_observation)
        self._score(group)
        stratifiers = objects(model, group, "stratifier")
        strata = [*listed(definition, "stratifier")]
        self._matched(group, stratifiers, strata, "group stratifier", lambda *_: None, lambda _: False)

    def _population(self, population: Node, definition: Part) -> None:
        del definition
        count = population.value.get("count")
        if self.type == "subject-list":
            subjects = self._subjects(population)
            if isinstance(count, int) and subjects is not None and count != subjects:
                self._tell(complaints.REPORT_COUNT, population, wanted=count, count=subjects)
            return
        if "subjectResults" in population.value:
            self._tell(complaints.REPORT_SUBJECTS, population)
        if count is None:
            self._tell(complaints.REPORT_NO_COUNT, population)

    def _subjects(self, population: Node) -> int | None:
        """Return how many subjects a population names; None when that cannot be told."""
        results = next(iter(objects(self.walk.engine.model, population, "subjectResults")), None)
        if results is None:
            return 0
        reference = text_of(results.value, "reference")
        if reference is None:
            return None
        target = self.walk.references.resolution.resolved(reference, results)
        if target is not None and target.type == "List":
            return len([*listed(target.value, "entry")])
        implied = rest(reference, self.walk.engine.model)
        type = target.type if target is not None else implied.type if implied is not None else None
        return 1 if type in _SUBJECTS else None

    def _score(self, group: Node) -> None:
        score = next(iter(objects(self.walk.engine.model, group, "measureScore")), None)
        if self.type == "data-collection" or self.scoring == "cohort":
            if score is not None:
                reason = "type=data-collection" if self.type == "data-collection" else "Measure.scoring=cohort"
                self._tell(complaints.SCORE_PROHIBITED, score, reason=reason)
        elif self.scoring in _SCORED:
            if score is None or not _has_value(score.value):
                self._tell(complaints.SCORE_REQUIRED, group if score is None else score, scoring=self.scoring)
            if score is None:
                return
            if self.scoring == "proportion":
                self._proportion(score)
            elif _has_value(score.value):
                self._unit(score)

    def _proportion(self, score: Node) -> None:
        """Report a proportion that has a unit, or is not from 0 to 1."""
        for key in ("unit", "system", "code"):
            for place in below(self.walk.engine.model, score, key):
                self._tell(complaints.SCORE_UNIT, place, scoring="proportion")
        value = score.value.get("value")
        if isinstance(value, int | Decimal) and not 0 <= value <= 1:
            place = below(self.walk.engine.model, score, "value")[0]
            self._tell(complaints.SCORE_RANGE, place, found=written(value))

    def _unit(self, score: Node) -> None:
        """Report a score whose unit is not the one that the measure asks for."""
        unit = extension(self.measure, _UNIT)
        if not isinstance(unit, Mapping) or unit.get("code") is None:
            return
        if "code" not in score.value:
            self._tell(complaints.SCORE_FIXED, score, wanted=unit["code"])
            return
        for key in ("code", "system"):
            wanted, given = unit.get(key), score.value.get(key)
            if wanted is not None and given != wanted:
                place = next(iter(below(self.walk.engine.model, score, key)), score)
                self._tell(complaints.SCORE_FIXED, place if key == "code" else score, wanted=wanted)


def _has_value(score: Part) -> bool:
    return "value" in score or extension(score, _OTHER_SCORE) is not None


def _is_observation(population: Part) -> bool:
    """Tell whether a population is that of the observations, which reports leave out."""
    return any(code == "measure-observation" for _, code in _codings(population.get("code")))


def _codings(concept: Any) -> list[tuple[str | None, str]]:
    """Return the system and code of all codings of a concept, or of several."""
    if isinstance(concept, list):
        return [coding for each in concept for coding in _codings(each)]
    return [
        (each.get("system"), each["code"]) for each in listed(concept, "coding") if isinstance(each.get("code"), str)
    ]


def _agree(one: Any, other: Any) -> bool:
    """Tell whether two concepts share a coding."""
    others = _codings(other)
    return any(each in others for each in _codings(one))


def _agree_or_say(one: Any, other: Any) -> bool:
    """Tell whether two concepts share a coding, or have no codings and the same text."""
    if _codings(one) or _codings(other):
        return _agree(one, other)
    text = text_of(_first(one), "text")
    return text is not None and text == text_of(_first(other), "text")


def _first(concept: Any) -> Any:
    return concept[0] if isinstance(concept, list) and concept else concept


def _shown(concept: Any) -> str:
    codings = _codings(concept)
    return text_of(_first(concept), "text") or (codings[0][1] if codings else "")
