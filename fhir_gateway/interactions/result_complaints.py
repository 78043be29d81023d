"""What is complained of where a platform's results are laid beside the dossier that is held.

Source: issue of platform formats; `fhir_gateway/interactions/result_merging.py`.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

DOSSIER_NOT_FOUND = Complaint(
    "result-dossier-not-found",
    "not-found",
    en="No dossier that you see has this case, library or pseudonym: {named}. Send the file to the request "
    "(ServiceRequest/[id]/$import-result), or have the number put into the dossier.",
    fr="Aucun dossier que vous voyez n'a ce numéro de dossier, de librairie ou de pseudonyme : {named}. Envoyez le "
    "fichier à la prescription (ServiceRequest/[id]/$import-result), ou faites inscrire le numéro au dossier.",
)
DOSSIERS_SEVERAL = Complaint(
    "result-dossiers-several",
    "multiple-matches",
    en="The file names {count} dossiers by {named}. Send it to the request that is meant.",
    fr="Le fichier désigne {count} dossiers par {named}. Envoyez-le à la prescription visée.",
)
CASE_OTHER = Complaint(
    "result-case-other",
    "business-rule",
    en="The file is of the case {sent}; the dossier has the case {held}. Correct the number, or send it elsewhere.",
    fr="Le fichier est du dossier {sent} ; celui-ci a le numéro {held}. Corrigez le numéro, ou envoyez-le ailleurs.",
)
CASE_ELSEWHERE = Complaint(
    "result-case-of-other-dossier",
    "business-rule",
    en="The case {sent} is another dossier's. Nothing is imported; check which file belongs where.",
    fr="Le numéro {sent} est celui d'un autre dossier. Rien n'est importé ; vérifiez quel fichier va où.",
)
CASE_NOT_HELD = Complaint(
    "result-case-not-held",
    "incomplete",
    en="The dossier does not have the number {sent}, and an import by you does not write it. Its platform writes it "
    "on the proband's request (identifier of type FILL, one for each request).",
    fr="Le dossier n'a pas le numéro {sent}, et votre import ne l'inscrit pas. Sa plateforme l'inscrit à la "
    "prescription du cas index (identifier de type FILL, un par prescription).",
    severity="warning",
)
CASE_RECORDED = Complaint(
    "result-case-recorded",
    "informational",
    en="The platform's case number {sent} is written on the proband's request.",
    fr="Le numéro de dossier de la plateforme, {sent}, est inscrit à la prescription du cas index.",
    severity="information",
)
PERSON_UNKNOWN = Complaint(
    "result-person-unknown",
    "not-found",
    en="Nobody of the dossier is known as {name}. Say who it is (correspondance), or record the library on the "
    "Specimen.",
    fr="Personne du dossier n'est connu comme {name}. Dites qui c'est (correspondance), ou inscrivez la librairie au "
    "prélèvement.",
)
PERSON_ELSEWHERE = Complaint(
    "result-library-of-other-dossier",
    "business-rule",
    en="{name} is of another dossier. Nothing is imported; check which file belongs where.",
    fr="{name} est d'un autre dossier. Rien n'est importé ; vérifiez quel fichier va où.",
)
PERSON_TWO = Complaint(
    "result-person-two-readings",
    "conflict",
    en="{name} stands for two people of the dossier. Correct the Specimen or the correspondence.",
    fr="{name} désigne deux personnes du dossier. Corrigez le prélèvement ou la correspondance.",
)
PERSON_BY_ROLE = Complaint(
    "result-person-by-role",
    "informational",
    en="{name} is new here; by the case number and the role in the file it is taken for {person_en}.",
    fr="{name} est nouveau ici ; par le numéro de dossier et le rôle dit dans le fichier, c'est {person_fr}.",
    severity="warning",
)
DIFFERS = Complaint(
    "result-differs-from-held",
    "conflict",
    en="{element}: the file says {sent}, the dossier {held}. The dossier is kept as it is.",
    fr="{element} : le fichier dit {sent}, le dossier {held}. Le dossier reste tel qu'il est.",
    severity="warning",
)
SIGN_NOT_HELD = Complaint(
    "result-sign-not-held",
    "informational",
    en="The sign {code} is in the file and not in the dossier; signs are told by the prescriber, so none is made.",
    fr="Le signe {code} est dans le fichier et non au dossier ; les signes sont dits par le prescripteur : rien n'est "
    "créé.",
    severity="warning",
)
NOT_WRITTEN = Complaint(
    "result-not-written",
    "informational",
    en="{count} {type} of the file are of the prescription, not of the result: compared, and not written.",
    fr="{count} {type} du fichier relèvent de la prescription, non du résultat : comparés, et non écrits.",
    severity="information",
)
STEP_STANDS = Complaint(
    "result-step-stands",
    "informational",
    en="The file tells that {code} is done; Task/{task} stands at {status}, and only its owner completes it once it is "
    "in progress.",
    fr="Le fichier dit que {code} est fait ; Task/{task} est à l'état {status}, et seul qui la porte l'achève une fois "
    "en cours.",
    severity="warning",
)
NO_SPECIMEN = Complaint(
    "result-no-specimen",
    "incomplete",
    en="No specimen of {person_en} is held, so the report claims no profile. Record the specimen.",
    fr="Aucun prélèvement de {person_fr} n'est tenu ; le compte rendu ne déclare donc pas de profil. Inscrivez le "
    "prélèvement.",
    severity="warning",
)
NO_REPORT = Complaint(
    "result-report-preliminary",
    "incomplete",
    en="The file has no signed report: the DiagnosticReport is preliminary until its PDF and signer are added.",
    fr="Le fichier n'a pas de compte rendu signé : le DiagnosticReport est préliminaire tant que son PDF et son "
    "signataire n'y sont pas.",
    severity="warning",
)
REPORT_HELD = Complaint(
    "result-report-held",
    "informational",
    en="The dossier has a report already ({report}); another was made beside it. Withdraw the one that does not hold.",
    fr="Le dossier a déjà un compte rendu ({report}) ; un autre a été fait à côté. Retirez celui qui ne vaut pas.",
    severity="warning",
)
UNRESOLVED = Complaint(
    "result-reference-unresolved",
    "incomplete",
    en="{type}: {name} names nothing that is held or made; the reference stays logical.",
    fr="{type} : {name} ne désigne rien qui soit tenu ou créé ; la référence reste logique.",
    severity="warning",
)
CHECKSUM = Complaint(
    "result-checksum-mismatch",
    "invalid",
    en="The SHA-256 of the file is {found}; {sent} was announced. Send it again.",
    fr="Le SHA-256 du fichier est {found} ; {sent} était annoncé. Renvoyez-le.",
)
TOO_LARGE = Complaint(
    "result-file-too-large",
    "too-long",
    en="The file is larger than the {most} bytes that are taken. Announce it, and send the reported rows.",
    fr="Le fichier dépasse les {most} octets acceptés. Annoncez-le, et envoyez les lignes rendues.",
)
NO_FILE = Complaint(
    "result-no-file",
    "required",
    en="A result is a Binary (fichier) with its content in data, or the file itself as the body.",
    fr="Un résultat est une Binary (fichier) avec son contenu dans data, ou le fichier même comme corps.",
)
ANNOUNCED_WITHOUT = Complaint(
    "announced-file-incomplete",
    "required",
    en="An announced file has its SHA-256 (empreinte-sha256), its size in bytes (taille-octets) and no content.",
    fr="Un fichier annoncé a son SHA-256 (empreinte-sha256), sa taille en octets (taille-octets) et pas de contenu.",
)
ANNOUNCED_HOST = Complaint(
    "announced-file-host",
    "forbidden",
    en="The host {host} of an announced file is not listed here. Ask the operator (file_hosts), or leave the url out.",
    fr="L'hôte {host} d'un fichier annoncé n'est pas listé ici. Voyez l'exploitant (file_hosts), ou omettez l'url.",
)
ANNOUNCED_NOBODY = Complaint(
    "announced-file-names-nobody",
    "incomplete",
    en="The announced file {file} names nobody of the dossier, so it is not recorded. Put a library, a sample number "
    "or a pseudonym into its name or address, between dots, underscores or slashes, and announce it again.",
    fr="Le fichier annoncé {file} ne désigne personne du dossier : il n'est pas inscrit. Mettez une librairie, un "
    "numéro de prélèvement ou un pseudonyme dans son nom ou son adresse, entre points, tirets bas ou barres, et "
    "réannoncez-le.",
    severity="warning",
)
NOTHING_NEW = Complaint(
    "result-nothing-new",
    "informational",
    en="All that the file says is held already; nothing of it was written.",
    fr="Tout ce que dit le fichier est déjà tenu ; rien n'en a été écrit.",
    severity="information",
)
IMPORTED = Complaint(
    "result-imported",
    "informational",
    en="The file was imported whole: {count} resources.",
    fr="Le fichier a été importé entier : {count} ressources.",
    severity="information",
)
