"""The operations there are. A new one is a module here and a line in this table.

Source: FHIR R4, Operations; OperationDefinition.
"""

from __future__ import annotations

from collections.abc import Mapping

from fhir_gateway.interactions import dossier_summaries
from fhir_gateway.interactions.operations import (
    dossier_completude,
    dossier_correspondance,
    dossier_decision,
    dossier_export,
    dossier_import,
    dossier_statistiques,
    dossier_submit,
    dossier_suivi,
    everything,
    explain,
    graph,
    meta,
    purge,
    reindex,
    terminology_expand,
    terminology_lookup,
    terminology_translate,
    terminology_validate,
    validate,
)
from fhir_gateway.interactions.operations.operation import HL7, OWN, Input, Operation
from fhir_gateway.interactions.operations.terminology_inputs import EXPANDING, VALIDATING
from fhir_gateway.store.search.query import PAGE

_VALIDATE_CODE = Operation(
    name="validate-code",
    definition=HL7 + "ValueSet-validate-code",
    levels=("type", "instance"),
    definitions={"CodeSystem": HL7 + "CodeSystem-validate-code", "ValueSet": HL7 + "ValueSet-validate-code"},
    types=("CodeSystem", "ValueSet"),
    inputs=VALIDATING,
    open=True,
    read=terminology_validate.validate_code,
)

_ALL: tuple[Operation, ...] = (
    Operation(
        name="meta",
        definition=HL7 + "Resource-meta",
        levels=("system", "type", "instance", "version"),
        read=meta.meta,
    ),
    Operation(
        name="meta-add",
        definition=HL7 + "Resource-meta-add",
        levels=("instance",),
        inputs=(Input("meta", "Meta", required=True),),
        affects_state=True,
        letters="u",
        act=meta.meta_add,
    ),
    Operation(
        name="meta-delete",
        definition=HL7 + "Resource-meta-delete",
        levels=("instance",),
        inputs=(Input("meta", "Meta", required=True),),
        affects_state=True,
        letters="u",
        act=meta.meta_delete,
    ),
    Operation(
        name="everything",
        definition=HL7 + "Patient-everything",
        levels=("type", "instance"),
        types=("Patient",),
        inputs=(
            Input("start", "date"),
            Input("end", "date"),
            Input("_since", "instant"),
            Input("_type", "string", many=True),
            Input("_count", "integer"),
            Input(PAGE, "string"),
        ),
        feed=True,
        read=everything.everything,
    ),
    Operation(
        name="explain",
        definition=OWN + "explain",
        levels=("system", "type"),
        inputs=(Input("search", "string"),),
        open=True,
        is_of_everything=True,
        act=explain.explain,
    ),
    Operation(
        name="graph",
        definition=HL7 + "Resource-graph",
        levels=("instance",),
        inputs=(Input("graph", "uri", required=True),),
        read=graph.graph,
    ),
    Operation(
        name="purge",
        definition=OWN + "purge",
        levels=("instance",),
        inputs=(Input("history", "boolean"), Input("force", "boolean")),
        affects_state=True,
        letters="u",
        is_of_everything=True,
        act=purge.purge,
    ),
    Operation(
        name="reindex",
        definition=OWN + "reindex",
        levels=("system",),
        # GET tells of jobs; POST begins or ends one.
        inputs=(
            Input("type", "code", many=True),
            Input("url", "uri", many=True),
            Input("job", "positiveInt"),
            Input("cancel", "boolean"),
        ),
        letters="u",
        is_of_everything=True,
        act=reindex.reindex,
    ),
    Operation(
        name="validate",
        definition=HL7 + "Resource-validate",
        levels=("type", "instance"),
        inputs=(Input("resource", "Resource", resource=True), Input("mode", "code"), Input("profile", "uri")),
        unsound=True,
        letters="",
        read=validate.validate,
    ),
    Operation(
        name="expand",
        definition=HL7 + "ValueSet-expand",
        levels=("type", "instance"),
        types=("ValueSet",),
        inputs=EXPANDING,
        open=True,
        read=terminology_expand.expand_value_set,
    ),
    _VALIDATE_CODE,
    Operation(
        name="batch-validate-code",
        definition=OWN + "batch-validate-code",
        levels=("system", "type"),
        types=("CodeSystem", "ValueSet"),
        inputs=(Input("validation", "Parameters", required=True, many=True, resource=True),),
        open=True,
        read=terminology_validate.batch(_VALIDATE_CODE),
    ),
    Operation(
        name="lookup",
        definition=HL7 + "CodeSystem-lookup",
        levels=("type",),
        types=("CodeSystem",),
        inputs=terminology_lookup.LOOKUP,
        open=True,
        read=terminology_lookup.lookup,
    ),
    Operation(
        name="subsumes",
        definition=HL7 + "CodeSystem-subsumes",
        levels=("type", "instance"),
        types=("CodeSystem",),
        inputs=terminology_lookup.SUBSUMES,
        open=True,
        read=terminology_lookup.subsumes,
    ),
    Operation(
        name="translate",
        definition=HL7 + "ConceptMap-translate",
        levels=("type", "instance"),
        types=("ConceptMap",),
        inputs=terminology_translate.TRANSLATE,
        open=True,
        read=terminology_translate.translate_code,
    ),
    Operation(
        name="submit",
        definition=OWN + "submit",
        levels=("type",),
        types=("ServiceRequest",),
        inputs=(Input("resource", "Bundle", required=True, resource=True),),
        affects_state=True,
        letters="cu",
        act=dossier_submit.submit,
    ),
    Operation(
        name="completude",
        definition=OWN + "completude",
        levels=("instance",),
        types=("ServiceRequest",),
        inputs=(Input("pour", "code"),),
        letters="r",
        read=dossier_completude.completude,
    ),
    Operation(
        name="a-completer",
        definition=OWN + "a-completer",
        levels=("type",),
        types=("ServiceRequest",),
        inputs=(
            Input("etablissement", "string"),
            Input("parcours", "code", many=True),
            Input("_count", "integer"),
            Input(PAGE, "string"),
        ),
        read=dossier_completude.a_completer,
    ),
    Operation(
        name="suivi",
        definition=OWN + "suivi",
        levels=("instance",),
        types=("ServiceRequest",),
        letters="r",
        read=dossier_suivi.suivi,
    ),
    Operation(
        name="dossier",
        definition=OWN + "dossier",
        levels=("type", "instance"),
        types=("ServiceRequest",),
        inputs=(Input("format", "code", required=True),),
        open=True,
        files=True,
        act=dossier_export.export,
    ),
    Operation(
        name="import-result",
        definition=OWN + "import-result",
        levels=("type", "instance"),
        types=("ServiceRequest",),
        inputs=(
            Input("fichier", "Binary", required=True, resource=True),
            Input("format", "code"),
            Input("nom", "string"),
            Input("empreinte", "string"),
            Input("echantillon", "string"),
            Input("filtre", "string", many=True),
            Input("marque", "string", many=True),
            Input("assemblage", "code"),
            Input("correspondance", "Reference", many=True),
            Input("annonce", "Attachment", many=True),
        ),
        affects_state=True,
        takes_file=True,
        letters="cu",
        act=dossier_import.import_result,
    ),
    Operation(
        name="correspondance",
        definition=OWN + "correspondance",
        levels=("instance",),
        types=("ServiceRequest",),
        letters="r",
        read=dossier_correspondance.correspondance,
    ),
    Operation(
        name="decision",
        definition=OWN + "decision",
        levels=("type",),
        types=("Consent",),
        inputs=(
            Input("patient", "string", required=True),
            Input("code", "code", required=True),
            Input("at", "dateTime"),
        ),
        read=dossier_decision.consent_decision,
    ),
    Operation(
        name="statistiques",
        definition=OWN + "statistiques",
        levels=("type",),
        types=("ServiceRequest",),
        inputs=(Input("par", "code", many=True),),
        letters="",
        is_of_everything=True,
        ready=dossier_summaries.be_current,
        read=dossier_statistiques.statistiques,
    ),
)

OPERATIONS: Mapping[str, Operation] = {each.name: each for each in _ALL}


def gives_files(name: str | None) -> bool:
    """Tell whether an operation can be asked for as files, so that a door takes their media types for it."""
    operation = OPERATIONS.get(name or "")
    return operation is not None and operation.files


def takes_file(name: str | None) -> bool:
    """Tell whether an operation takes a file as it is, in place of a Binary that holds it."""
    operation = OPERATIONS.get(name or "")
    return operation is not None and operation.takes_file


def takes_unsound(name: str | None) -> bool:
    """Tell whether an operation is there to judge resources, so that a door lets unsound ones pass to it."""
    operation = OPERATIONS.get(name or "")
    return operation is not None and operation.unsound
