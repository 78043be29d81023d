"""What is counted, and the page that Prometheus reads.

Source: Prometheus, "Exposition formats".
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from fhir_gateway.rest.metrics import ROW_OF, Metrics


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.page().decode())
        for sample in family.samples
    }


def labelled(**labels: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def test_an_answer_is_counted_by_interaction_status_class_duration_and_size():
    metrics = Metrics()
    metrics.observe(ROW_OF["create"], 201, 0.003, 900, 1_500)
    metrics.observe(ROW_OF["create"], 422, 100.0, 1_000, 0)
    told = samples(metrics)
    name = "fhir_gateway_request_duration_seconds"
    assert told["fhir_gateway_requests_total", labelled(interaction="create", status="2xx")] == 1
    assert told["fhir_gateway_requests_total", labelled(interaction="create", status="4xx")] == 1
    assert told[f"{name}_bucket", labelled(interaction="create", le="0.0025")] == 0
    assert told[f"{name}_bucket", labelled(interaction="create", le="0.005")] == 1
    assert told[f"{name}_bucket", labelled(interaction="create", le="60.0")] == 1
    assert told[f"{name}_bucket", labelled(interaction="create", le="+Inf")] == 2
    assert told[f"{name}_count", labelled(interaction="create")] == 2
    assert told[f"{name}_sum", labelled(interaction="create")] == 100.003
    assert told["fhir_gateway_body_bytes_bucket", labelled(direction="received", le="1000.0")] == 2
    assert told["fhir_gateway_body_bytes_sum", labelled(direction="received")] == 1900
    assert told["fhir_gateway_body_bytes_count", labelled(direction="sent")] == 1


def test_interactions_nobody_asked_for_are_not_told():
    metrics = Metrics()
    metrics.observe(ROW_OF["read"], 200, 0.001, 0, 10)
    assert {dict(labels)["interaction"] for name, labels in samples(metrics) if name.endswith("requests_total")} == {
        "read"
    }


def test_what_else_is_measured_is_told_at_each_scrape():
    metrics = Metrics(gauges=lambda: {"store_up": ("Whether the database answers.", 1.0)})
    assert samples(metrics)["fhir_gateway_store_up", ()] == 1


def test_the_process_is_told_where_there_is_only_one(tmp_path: Path):
    assert ("process_resident_memory_bytes", ()) in samples(Metrics())
    assert ("process_resident_memory_bytes", ()) not in samples(Metrics(tmp_path))


def test_several_processes_are_added_up_and_counts_of_the_dead_remain(tmp_path: Path):
    metrics = Metrics(tmp_path)
    metrics.observe(ROW_OF["read"], 200, 0.001, 0, 10)
    metrics.in_flight(1)
    other = (
        "import sys; from pathlib import Path; from fhir_gateway.rest.metrics import Metrics, ROW_OF;"
        "m = Metrics(Path(sys.argv[1])); m.observe(ROW_OF['read'], 200, 0.001, 0, 10); m.in_flight(1)"
    )
    subprocess.run([sys.executable, "-c", other, str(tmp_path)], check=True)
    told = samples(metrics)
    assert told["fhir_gateway_requests_total", labelled(interaction="read", status="2xx")] == 2
    assert told["fhir_gateway_body_bytes_sum", labelled(direction="sent")] == 20
    assert told["fhir_gateway_requests_in_flight", ()] == 1, "what a dead process had in flight is over"
