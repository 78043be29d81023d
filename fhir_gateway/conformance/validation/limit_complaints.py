"""What it says when a value lies beyond the limits of a profile, each kind with its stable id, code and texts.

Source: FHIR R4, ElementDefinition: minValue[x], maxValue[x], maxLength. Wording: HL7's validator.
"""

from __future__ import annotations

from typing import Final

from fhir_gateway.fhir.outcome import Complaint, IssueCode, Severity


def _of(detail: str, en: str, fr: str, code: IssueCode = "invalid", severity: Severity = "error") -> Complaint:
    return Complaint(f"validation-{detail}", code, en, fr, severity)


TOO_LONG: Final = _of(
    "max-length",
    "value is longer than permitted maximum length of {max}: {count} characters (from {profile})",
    "La valeur dépasse la longueur maximale de {max} : {count} caractères (selon {profile})",
)
NO_VALUE: Final = _of(
    "value-required",
    "The element definition `{element}` in the profile '{profile}' requires that a value be present in this element",
    "La définition « {element} » du profil « {profile} » exige une valeur dans cet élément",
)
NO_ALTERNATIVE: Final = _of(
    "value-alternative-required",
    "The element definition `{element}` in the profile '{profile}' requires that if a value is not present, one of the "
    "extensions {extensions} must be present",
    "La définition « {element} » du profil « {profile} » exige, sans valeur, l'une des extensions {extensions}",
)
TOO_SHORT: Final = _of(
    "min-length",
    "Value '{count}' is shorter than permitted minimum length of {min}",
    "La valeur, de longueur {count}, n'atteint pas la longueur minimale de {min}",
)
DECIMALS: Final = _of(
    "max-decimal-places",
    "Found {count} decimal places which exceeds the stated limit of {max} digits",
    "{count} décimales trouvées, la limite est de {max}",
    "structure",
)
TOO_LARGE: Final = _of(
    "max-size",
    "Base64 size is {count} bytes which exceeds the stated limit of {max} bytes",
    "Le contenu fait {count} octets, la limite est de {max} octets",
    "structure",
)
REGEX: Final = _of(
    "regex",
    "Element value '{value}' does not meet regex '{regex}'",
    "La valeur « {value} » ne suit pas l'expression régulière « {regex} »",
)
# By side: -1 below the minimum, 1 above the maximum.
OF_VALUE: Final = {
    -1: _of(
        "min-value",
        "{type} value is less than permitted minimum value of {limit}",
        "La valeur ({type}) est inférieure au minimum permis, {limit}",
    ),
    1: _of(
        "max-value",
        "{type} value is greater than permitted maximum value of {limit}",
        "La valeur ({type}) est supérieure au maximum permis, {limit}",
    ),
}
OF_QUANTITY: Final = {
    -1: (
        _of(
            "min-quantity",
            "The value in the instance ({value}) is less than the specified minimum value ({limit})",
            "La valeur ({value}) est inférieure au minimum indiqué ({limit})",
        ),
        _of(
            "min-quantity-converted",
            "The value in the instance ({value} {code}) is less than the specified minValue ({limit} {unit}) after "
            "UCUM conversion",
            "La valeur ({value} {code}) est inférieure au minimum indiqué ({limit} {unit}) après conversion UCUM",
        ),
        _of(
            "min-quantity-unclear",
            "The minValue of the profile and the value do not have comparable parts ({reason}), so the minimum value "
            "cannot be checked",
            "Le minValue du profil et la valeur n'ont pas de parties comparables ({reason}) : le minimum n'est pas "
            "vérifié",
            severity="warning",
        ),
    ),
    1: (
        _of(
            "max-quantity",
            "The value in the instance ({value}) is greater than the specified maximum value ({limit})",
            "La valeur ({value}) est supérieure au maximum indiqué ({limit})",
        ),
        _of(
            "max-quantity-converted",
            "The value in the instance ({value} {code}) is greater than the specified maxValue ({limit} {unit}) after "
            "UCUM conversion",
            "La valeur ({value} {code}) est supérieure au maximum indiqué ({limit} {unit}) après conversion UCUM",
        ),
        _of(
            "max-quantity-unclear",
            "The maxValue of the profile and the value do not have comparable parts ({reason}), so the maximum value "
            "cannot be checked",
            "Le maxValue du profil et la valeur n'ont pas de parties comparables ({reason}) : le maximum n'est pas "
            "vérifié",
            severity="warning",
        ),
    ),
}
NO_CONVERSION: Final = _of(
    "quantity-not-convertible",
    "Unable to convert value {value} from unit {code} to unit {unit} based on UCUM definitions; the limit of {limit} "
    "cannot be checked",
    "La valeur {value} ne se convertit pas de l'unité {code} vers l'unité {unit} (UCUM) ; la limite {limit} n'est pas "
    "vérifiée",
)
OF_DURATION: Final = {
    -1: _of(
        "min-duration",
        "The date/time value '{value}' is not legal: minValue is {duration} after now (which is {now})",
        "La date « {value} » n'est pas permise : le minimum est {duration} après maintenant ({now})",
    ),
    1: _of(
        "max-duration",
        "The date/time value '{value}' is not legal: maxValue is {duration} after now (which is {now})",
        "La date « {value} » n'est pas permise : le maximum est {duration} après maintenant ({now})",
    ),
}
