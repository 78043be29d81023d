"""What is complained of where dossiers are written as files, and results read from files.

Source: `profiles/pfmg/input/fsh/operations.fsh`; FHIR R4, Operations.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

FORMAT_UNKNOWN = Complaint(
    "file-format-unknown",
    "value",
    en="{format} is no format of files; there are: {known}.",
    fr="{format} n'est pas un format de fichiers ; il y a : {known}.",
)
NOT_LINES = Complaint(
    "file-format-not-lines",
    "not-supported",
    en="A file {format} is no JSON and cannot be a line of NDJSON. Ask for application/zip or application/fhir+json.",
    fr="Un fichier {format} n'est pas du JSON et ne peut être une ligne de NDJSON. Demandez application/zip ou "
    "application/fhir+json.",
)
NOT_OF_FILES = Complaint(
    "file-search-parameter",
    "not-supported",
    en="{name} has no meaning for files: each is a whole dossier. Leave it out.",
    fr="{name} n'a pas de sens pour des fichiers : chacun est un dossier entier. Retirez-le.",
)
PAGE_TOO_LARGE = Complaint(
    "file-page-too-large",
    "too-costly",
    en="The files of this page exceed {most} MiB. Ask for fewer dossiers with _count.",
    fr="Les fichiers de cette page dépassent {most} Mio. Demandez moins de dossiers avec _count.",
)
NOTHING_LOST = Complaint(
    "file-nothing-lost",
    "informational",
    en="The file says all that the dossier has for it.",
    fr="Le fichier dit tout ce que le dossier a pour lui.",
    severity="information",
)
