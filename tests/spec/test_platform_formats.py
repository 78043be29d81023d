"""1,000 generated dossiers become the files of each platform and dossiers again, the same in all that a file carries.

Source: README.md of fhir_gateway/exchange/auragen and of fhir_gateway/exchange/seqoia ("What does not come back …").
"""

from __future__ import annotations

from functools import cache

import pytest

from fhir_gateway.exchange.auragen.auragen import Auragen
from fhir_gateway.exchange.seqoia.seqoia import Seqoia
from tests.exchange.auragen.dossiers_at_auragen import KC_TABLES, TABLES, at_auragen, cancers_at_auragen
from tests.exchange.auragen.said import said as said_of_case
from tests.exchange.auragen.said import said_of_tumour
from tests.exchange.seqoia.dossiers_at_seqoia import TABLES as SEQOIA_TABLES
from tests.exchange.seqoia.dossiers_at_seqoia import at_seqoia
from tests.exchange.seqoia.said import said
from tests.floors import drawn

pytestmark = pytest.mark.conformance

EACH = 20  # dossiers of one seed
SEEDS = drawn(range(1000 // EACH))


@cache
def auragen(kind: str) -> Auragen:
    return Auragen(TABLES if kind == "clinic_mr" else KC_TABLES)


@cache
def seqoia() -> Seqoia:
    return Seqoia(SEQOIA_TABLES)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dossier_of_rare_disease_is_what_its_auragen_file_says(seed: int):
    for resources in at_auragen(EACH, seed):
        written = auragen("clinic_mr").write("clinic_mr", resources)
        assert written.data is not None, [each.text() for each in written.issues]
        assert said_of_case(list(auragen("clinic_mr").read(written.data).resources)) == said_of_case(resources)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dossier_of_cancer_is_what_its_auragen_file_says(seed: int):
    for resources in cancers_at_auragen(EACH, seed):
        written = auragen("clinic_kc").write("clinic_kc", resources)
        assert written.data is not None, [each.text() for each in written.issues]
        assert said_of_tumour(list(auragen("clinic_kc").read(written.data).resources)) == said_of_tumour(resources)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dossier_is_what_its_prescription_of_seqoia_says(seed: int):
    for resources in at_seqoia(EACH, seed):
        written = seqoia().write(resources)
        assert written.data is not None, [each.text() for each in written.issues]
        assert said(list(seqoia().read(written.data).resources)) == said(resources)
