"""What can be wrong with a FHIR package, with those it depends on, and with the registry it comes from.

Source: FHIR NPM Packages specification; FHIR Package Registry, "Package Server API".
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

NO_PACKAGE = Complaint(
    "package-manifest-absent",
    "structure",
    en="{path} holds no package/package.json: it is no FHIR package. Give a .tgz file, a folder, or NAME@VERSION.",
    fr="{path} ne contient pas package/package.json : ce n'est pas un paquet FHIR. Donnez un fichier .tgz, un dossier, "
    "ou NOM@VERSION.",
)
MANIFEST_INVALID = Complaint(
    "package-manifest-invalid",
    "structure",
    en="The package.json of {path} is not valid: {what}. It is an object with name and version.",
    fr="Le package.json de {path} n'est pas valide : {what}. C'est un objet avec name et version.",
)
FILE_INVALID = Complaint(
    "package-file-invalid",
    "structure",
    en="{file} of package {package} is no JSON that can be read ({reason}). Get the package anew.",
    fr="{file} du paquet {package} n'est pas du JSON lisible ({reason}). Procurez-vous le paquet de nouveau.",
)
FILE_ABSENT = Complaint(
    "package-file-absent",
    "not-found",
    en="{file} is listed in the index of package {package} but is not there. Install the package anew.",
    fr="{file} figure dans l'index du paquet {package} mais n'y est pas. Réinstallez le paquet.",
)
PATH_UNSAFE = Complaint(
    "package-path-unsafe",
    "security",
    en="{package} holds an entry named {file}, which leads out of the package. It is refused as a whole.",
    fr="{package} contient une entrée nommée {file}, qui mène hors du paquet. Il est refusé en entier.",
)
TOO_LARGE = Complaint(
    "package-too-large",
    "too-costly",
    en="{package} holds more than is taken: {what}. The limit is {limit}.",
    fr="{package} contient plus que ce qui est accepté : {what}. La limite est {limit}.",
)
UNREADABLE = Complaint(
    "package-unreadable",
    "structure",
    en="{path} cannot be read as a package: {reason}.",
    fr="{path} ne peut être lu comme un paquet : {reason}.",
)
ABSENT = Complaint(
    "package-absent",
    "not-found",
    en="The package {package} is not installed{because}. Install it: fhir-gateway package install {package}",
    fr="Le paquet {package} n'est pas installé{because_fr}. Installez-le : fhir-gateway package install {package}",
)
NAME_INVALID = Complaint(
    "package-name-invalid",
    "value",
    en="'{name}' names no package: names are like hl7.fhir.uv.genomics-reporting, with @3.0.0 for a version.",
    fr="« {name} » ne nomme pas de paquet : un nom est comme hl7.fhir.uv.genomics-reporting, avec @3.0.0 pour une "
    "version.",
)
REGISTRY_UNREACHABLE = Complaint(
    "package-registry-unreachable",
    "transient",
    en="The package registry {registry} gave no answer for {package}: {reason}. Try again, name another registry "
    "(setting package_registry), or install from a file.",
    fr="Le registre de paquets {registry} n'a pas répondu pour {package} : {reason}. Réessayez, indiquez un autre "
    "registre (réglage package_registry), ou installez depuis un fichier.",
)
REGISTRY_REFUSED = Complaint(
    "package-registry-refused",
    "not-found",
    en="The package registry {registry} has no {package} (HTTP {status}). Check the name, or install from a file.",
    fr="Le registre de paquets {registry} n'a pas {package} (HTTP {status}). Vérifiez le nom, ou installez depuis un "
    "fichier.",
)
REGISTRY_ANSWER = Complaint(
    "package-registry-answer-invalid",
    "structure",
    en="The package registry {registry} answers for {package} with something else than the description of a package.",
    fr="Le registre de paquets {registry} répond pour {package} par autre chose que la description d'un paquet.",
)
VERSION_ABSENT = Complaint(
    "package-version-absent",
    "not-found",
    en="The package registry {registry} has no version {version} of {package}; it has {versions}.",
    fr="Le registre de paquets {registry} n'a pas de version {version} de {package} ; il a {versions}.",
)
CHECKSUM = Complaint(
    "package-checksum-wrong",
    "security",
    en="What came for {package} is not what the registry {registry} announces (its {algorithm} differs). It was not "
    "installed; try again.",
    fr="Ce qui est arrivé pour {package} n'est pas ce que le registre {registry} annonce (son {algorithm} diffère). "
    "Rien n'a été installé ; réessayez.",
)
OTHER_PACKAGE = Complaint(
    "package-other-than-asked",
    "security",
    en="What came for {package} is package {found}. It was not installed.",
    fr="Ce qui est arrivé pour {package} est le paquet {found}. Rien n'a été installé.",
)
