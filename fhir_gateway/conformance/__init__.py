"""conformance: what FHIR R4 and the profiles upon it demand. `Validator` judges resources; see the README."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.validator import Validator

__all__ = ["Validator"]


def __getattr__(name: str) -> Any:
    # Imported when somebody asks: the modules of this room are imported one by one, and few need the validator.
    if name == "Validator":
        from fhir_gateway.conformance.validation.validator import Validator

        return Validator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
