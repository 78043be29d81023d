"""`python -m fhir_gateway` is the command `fhir-gateway`."""

from fhir_gateway.cli import main

main()
