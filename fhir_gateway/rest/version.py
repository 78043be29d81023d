"""The version of this software, as it was installed."""

from __future__ import annotations

from importlib.metadata import version

VERSION = version("fhir-gateway")
