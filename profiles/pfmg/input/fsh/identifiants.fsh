// Les systèmes d'identifiants que le projet définit. Ceux d'autres (INS, RPPS, FINESS …) sont dans terminology/naming.

RuleSet: Identifiant(code, nom, responsable, responsible, description, anglais)
* language = #fr
* name = {nom}
* status = #active
* kind = #identifier
* date = "2026-11-22"
* publisher = "Projet fhir-gateway"
* responsible = {responsable}
* insert Traduit(responsible, [[{responsible}]])
* description = {description}
* insert Traduit(description, [[{anglais}]])
* jurisdiction = urn:iso:std:iso:3166#FR
* uniqueId.type = #uri
* uniqueId.value = "{pfmg}/identifier/{code}"
* uniqueId.preferred = true

Instance: pfmg-identifiant-dossier
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(dossier, "NumeroDossier", [["Passerelle, ou établissement prescripteur"]], [["Gateway, or prescribing hospital"]], [["Numéro d'un dossier : le même sur toutes ses prescriptions (requisition) et toutes ses étapes (groupIdentifier). Le serveur le donne quand l'établissement n'en donne pas."]], [["Number of a dossier: the same on all its requests (requisition) and all its steps (groupIdentifier). The server gives it where the hospital gives none."]])

Instance: pfmg-identifiant-prescription
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(prescription, "NumeroPrescription", [["Établissement prescripteur"]], [["Prescribing hospital"]], [["Numéro d'une prescription, chez l'établissement qui prescrit (type PLAC) : un par personne du dossier."]], [["Number of a request, of the hospital that prescribes (type PLAC): one for each person of the dossier."]])

Instance: pfmg-identifiant-prelevement
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(prelevement, "NumeroPrelevement", [["Établissement prescripteur"]], [["Prescribing hospital"]], [["Numéro d'un prélèvement ou d'un tube, chez l'établissement qui prélève."]], [["Number of a specimen or tube, of the hospital that collects it."]])

Instance: pfmg-identifiant-ipp
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(ipp, "IdentifiantPermanentPatient", [["Établissement"]], [["Hospital"]], [["Identifiant permanent d'un patient (IPP) dans un établissement. Chaque établissement a le sien : en production, son propre système remplace celui-ci."]], [["Permanent identifier of a patient (IPP) in a hospital. Each hospital has its own: in production, its own system takes the place of this one."]])

Instance: pfmg-identifiant-phenotype
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(phenotype, "NumeroPhenotype", [["Établissement prescripteur"]], [["Prescribing hospital"]], [["Identifiant d'un signe clinique observé chez une personne du dossier."]], [["Identifier of a clinical sign observed in a person of the dossier."]])

Instance: pfmg-identifiant-tache
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(tache, "NumeroTache", [["Porteur de l'étape"]], [["Holder of the step"]], [["Identifiant d'une étape du dossier, chez qui l'exécute."]], [["Identifier of a step of the dossier, of whoever carries it out."]])

Instance: pfmg-identifiant-consentement
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(consentement, "NumeroConsentement", [["Établissement prescripteur"]], [["Prescribing hospital"]], [["Identifiant d'un consentement, chez l'établissement qui l'a recueilli."]], [["Identifier of a consent, of the hospital that collected it."]])

Instance: pfmg-identifiant-document
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(document, "NumeroDocument", [["Établissement ou plateforme"]], [["Hospital or platform"]], [["Identifiant d'une pièce ou d'un fichier du dossier."]], [["Identifier of a document or file of the dossier."]])

Instance: pfmg-identifiant-lien
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(lien, "NumeroLien", [["Établissement prescripteur"]], [["Prescribing hospital"]], [["Identifiant d'un lien familial du dossier."]], [["Identifier of a family link of the dossier."]])

Instance: pfmg-identifiant-representant
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(representant, "NumeroRepresentant", [["Établissement prescripteur"]], [["Prescribing hospital"]], [["Identifiant d'un proche ou d'un représentant légal, dans l'établissement."]], [["Identifier of a relative or legal representative, in the hospital."]])

Instance: pfmg-identifiant-fonction
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(fonction, "NumeroFonction", [["Annuaire de la passerelle"]], [["Directory of the gateway"]], [["Identifiant de la fonction d'un professionnel dans une structure (PractitionerRole)."]], [["Identifier of a professional's function in an organisation (PractitionerRole)."]])

Instance: pfmg-identifiant-compte-rendu
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(compte-rendu, "NumeroCompteRendu", [["Plateforme"]], [["Platform"]], [["Numéro d'un compte rendu, chez le laboratoire."]], [["Number of a report, of the laboratory."]])

Instance: pfmg-identifiant-resultat
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(resultat, "NumeroResultat", [["Plateforme"]], [["Platform"]], [["Identifiant d'un résultat (variant, implication, biomarqueur), chez le laboratoire."]], [["Identifier of a result (variant, implication, biomarker), of the laboratory."]])

Instance: pfmg-identifiant-etude
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(etude, "NumeroEtude", [["Plateforme"]], [["Platform"]], [["Identifiant d'une étude génomique (séquençage, analyse), chez le laboratoire."]], [["Identifier of a genomic study (sequencing, analysis), of the laboratory."]])

Instance: pfmg-identifiant-application
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(application, "Application", [["Passerelle"]], [["Gateway"]], [["Nom d'un logiciel qui agit pour son propre compte (Provenance.agent) : fhir-gateway pour la passerelle."]], [["Name of a program that acts on its own account (Provenance.agent): fhir-gateway for the gateway."]])

Instance: pfmg-identifiant-auragen-dossier
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(auragen-dossier, "AuragenDossier", [["AURAGEN"]], [["AURAGEN"]], [["Numéro d'une prescription chez AURAGEN (type FILL), comme MR-2400001."]], [["Number of a request at AURAGEN (type FILL), such as MR-2400001."]])

Instance: pfmg-identifiant-auragen-librairie
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(auragen-librairie, "AuragenLibrairie", [["AURAGEN"]], [["AURAGEN"]], [["Identifiant d'une librairie (banque) préparée par AURAGEN."]], [["Identifier of a library prepared by AURAGEN."]])

Instance: pfmg-identifiant-seqoia-dossier
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(seqoia-dossier, "SeqoiaDossier", [["SeqOIA"]], [["SeqOIA"]], [["Numéro d'un dossier chez SeqOIA (type FILL)."]], [["Number of a dossier at SeqOIA (type FILL)."]])

Instance: pfmg-identifiant-seqoia-id-anon
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(seqoia-id-anon, "SeqoiaIdAnon", [["SeqOIA"]], [["SeqOIA"]], [["Identifiant anonymisé d'un prélèvement chez SeqOIA (id_anon)."]], [["Anonymised identifier of a specimen at SeqOIA (id_anon)."]])

Instance: pfmg-identifiant-auragen-prelevement
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(auragen-prelevement, "AuragenPrelevement", [["AURAGEN"]], [["AURAGEN"]], [["Prélèvement tumoral d'un dossier KC d'AURAGEN, par le numéro du dossier."]], [["Tumour sample of an AURAGEN case KC, by the number of the case."]])

Instance: pfmg-identifiant-auragen-traitement
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(auragen-traitement, "AuragenTraitement", [["AURAGEN"]], [["AURAGEN"]], [["Traitement informatique d'un dossier d'AURAGEN : dossier, librairie, mode, rang."]], [["Workflow of an AURAGEN case: case, library, mode, place."]])

Instance: pfmg-identifiant-fichier-sha256
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(fichier-sha256, "FichierSha256", [["Passerelle"]], [["Gateway"]], [["Un fichier, par son SHA-256."]], [["A file, by its SHA-256."]])

Instance: pfmg-identifiant-pseudonyme
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(pseudonyme, "Pseudonyme", [["Passerelle"]], [["Gateway"]], [["Pseudonyme que la passerelle donne à une personne dans les fichiers sans identité (phenopacket, PED, VCF) ; la correspondance est gardée scellée."]], [["Pseudonym that the gateway gives a person in files without identity (phenopacket, PED, VCF); the correspondence is kept sealed."]])

Instance: pfmg-identifiant-resultat-importe
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(resultat-importe, "ResultatImporte", [["Passerelle"]], [["Gateway"]], [["Ce que dit un fichier de résultats sans numéro propre : une empreinte de son contenu et du dossier."]], [["What a result file tells without a number of its own: a digest of its content and of the dossier."]])

Instance: pfmg-identifiant-seqoia-acide-nucleique
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(seqoia-acide-nucleique, "SeqoiaAcideNucleique", [["SeqOIA"]], [["SeqOIA"]], [["Extrait d'ADN ou d'ARN chez SeqOIA (numero_adn, numero_arn)."]], [["Extract of DNA or RNA at SeqOIA (numero_adn, numero_arn)."]])

Instance: pfmg-identifiant-seqoia-analyse
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(seqoia-analyse, "SeqoiaAnalyse", [["SeqOIA"]], [["SeqOIA"]], [["Analyse de SeqOIA (analysis_ID)."]], [["Analysis of SeqOIA (analysis_ID)."]])

Instance: pfmg-identifiant-seqoia-fichier
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(seqoia-fichier, "SeqoiaFichier", [["SeqOIA"]], [["SeqOIA"]], [["Fichier gardé par SPICE (file_oid), annoncé et non transmis."]], [["File kept by SPICE (file_oid), announced and not carried."]])

Instance: pfmg-identifiant-seqoia-objet
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(seqoia-objet, "SeqoiaObjet", [["SeqOIA"]], [["SeqOIA"]], [["Objet d'une prescription de SPICE : numéro du dossier et pointeur JSON."]], [["Object of a SPICE prescription: number of the dossier and JSON pointer."]])

Instance: pfmg-identifiant-seqoia-pid-crc
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(seqoia-pid-crc, "SeqoiaPidCrc", [["SeqOIA"]], [["SeqOIA"]], [["Numéro court d'une prescription de SPICE (pid_crc)."]], [["Short number of a SPICE prescription (pid_crc)."]])

Instance: pfmg-identifiant-seqoia-pid
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(seqoia-pid, "SeqoiaPid", [["SeqOIA"]], [["SeqOIA"]], [["Numéro d'ordre d'une prescription de SPICE (pid)."]], [["Running number of a SPICE prescription (pid)."]])

Instance: pfmg-identifiant-seqoia-prelevement-tumoral
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(seqoia-prelevement-tumoral, "SeqoiaPrelevementTumoral", [["SeqOIA"]], [["SeqOIA"]], [["Prélèvement tumoral, par la référence de l'anatomopathologiste (reference_prelevement_tumoral)."]], [["Tumour sample, by the pathologist's reference (reference_prelevement_tumoral)."]])

Instance: pfmg-identifiant-seqoia-rcp
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(seqoia-rcp, "SeqoiaRcp", [["SeqOIA"]], [["SeqOIA"]], [["Réunion de concertation pluridisciplinaire dans SPICE (rcp_id)."]], [["Multidisciplinary meeting in SPICE (rcp_id)."]])

Instance: pfmg-identifiant-seqoia-run
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(seqoia-run, "SeqoiaRun", [["SeqOIA"]], [["SeqOIA"]], [["Run de séquençage de SeqOIA (run_id)."]], [["Sequencing run of SeqOIA (run_id)."]])

Instance: pfmg-identifiant-seqoia-utilisateur
InstanceOf: NamingSystem
Usage: #definition
* insert Identifiant(seqoia-utilisateur, "SeqoiaUtilisateur", [["SeqOIA"]], [["SeqOIA"]], [["Compte d'un professionnel dans SPICE (prescripteur, membreRCP, login)."]], [["Account of a professional in SPICE (prescripteur, membreRCP, login)."]])
