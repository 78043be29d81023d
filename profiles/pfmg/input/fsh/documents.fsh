Profile: PfmgDocumentReference
Parent: DocumentReference
Id: pfmg-document-reference
Title: "Document ou fichier"
Description: "Fiche RCP, formulaire numérisé, compte rendu d'anatomopathologie, copie du compte rendu ; fichier de données annoncé avec son empreinte et sa taille. Un fichier est annoncé, il n'est pas cherché à son adresse."
* insert Definition([["Document or file"]], [["RCP sheet, scanned form, pathology report, copy of the report; data file announced with its digest and size. A file is announced, it is not fetched from its address."]])
* obeys pfmg-doc-1 and pfmg-doc-2
* insert Porte(identifier, [["Identifiants du document"]], [["Identifiers of the document"]])
* insert Porte(status, [["État"]], [["State"]])
* type 1..1
* insert Porte(type, [["Type (LOINC)"]], [["Type (LOINC)"]])
* category 1..*
* insert Porte(category, [["Nature de la pièce"]], [["Kind of piece"]])
* category from {pfmg}/ValueSet/pfmg-document (extensible)
* subject 1..1
* subject only Reference(Patient)
* insert Porte(subject, [["La personne"]], [["The person"]])
* insert Porte(date, [["Date"]], [["Date"]])
* insert Porte(content, [["Contenu"]], [["Content"]])
* insert Porte(content.attachment, [["Le fichier"]], [["The file"]])
* content.attachment.extension contains EmpreinteSha256 named empreinte 0..1 MS and TailleOctets named taille 0..1 MS
* insert Porte(content.attachment.contentType, [["Type de contenu"]], [["Content type"]])
* insert Porte(content.format, [["Format (EDAM pour un fichier de données)"]], [["Format (EDAM for a data file)"]])
* context 1..1
* context.related 1..*
* insert Porte(context.related, [["Prescription"]], [["Prescription"]])

Invariant: pfmg-doc-1
* severity = #error
* insert Regle([["Chaque fichier a un type de contenu, et une adresse ou son contenu."]], [["Each file has a content type, and an address or its content."]])
* expression = "content.attachment.all((url.exists() or data.exists()) and contentType.exists())"

Invariant: pfmg-doc-2
* severity = #error
* insert Regle([["Un fichier de données (format EDAM) est annoncé avec son empreinte SHA-256 et sa taille."]], [["A data file (EDAM format) is announced with its SHA-256 digest and its size."]])
* expression = "content.where(format.system = 'http://edamontology.org').all(attachment.extension.where(url = '{pfmg}/StructureDefinition/empreinte-sha256').exists() and attachment.extension.where(url = '{pfmg}/StructureDefinition/taille-octets').exists())"

Profile: PfmgProvenance
Parent: Provenance
Id: pfmg-provenance
Title: "Trace d'un changement"
Description: "Qui a changé une prescription ou un compte rendu, quand, pourquoi ; la décision d'une RCP."
* insert Definition([["Trace of a change"]], [["Who changed a prescription or a report, when, why; the decision of an RCP."]])
* insert Porte(target, [["Ce qui a changé"]], [["What changed"]])
* insert Porte(recorded, [["Quand"]], [["When"]])
* reason 1..*
* insert Porte(reason, [["Motif"]], [["Reason"]])
* reason from {pfmg}/ValueSet/pfmg-motif (extensible)
* insert Porte(agent, [["Qui"]], [["Who"]])
* insert Porte(agent.who, [["La personne (RPPS) ou le système"]], [["The person (RPPS) or the system"]])
* insert Dit(agent.onBehalfOf, [["La structure (FINESS)"]], [["The structure (FINESS)"]])
* obeys pfmg-prv-1

Invariant: pfmg-prv-1
* severity = #error
* insert Regle([["Chaque agent est désigné par une référence ou un identifiant."]], [["Each agent is named by a reference or an identifier."]])
* expression = "agent.all(who.reference.exists() or who.identifier.value.exists())"

Profile: PfmgSubmissionBundle
Parent: Bundle
Id: pfmg-submission-bundle
Title: "Dossier soumis"
Description: "Une transaction qui dépose un dossier : les prescriptions de la famille, en brouillon, et ce qui les accompagne, en urn:uuid. Chaque ressource est jugée d'après le profil qu'elle déclare."
* insert Definition([["Dossier submitted"]], [["A transaction that submits a dossier: the prescriptions of the family, as drafts, and what goes with them, by urn:uuid. Each resource is judged by the profile that it claims."]])
* obeys pfmg-bdl-1 and pfmg-bdl-2 and pfmg-bdl-3 and pfmg-bdl-4
* type = #transaction
* insert Porte(type, [["transaction"]], [["transaction"]])
* entry 1..*
* insert Porte(entry, [["Les ressources"]], [["The resources"]])
* insert Porte(entry.fullUrl, [["urn:uuid de la ressource"]], [["urn:uuid of the resource"]])
* insert Porte(entry.resource, [["La ressource"]], [["The resource"]])
* insert Porte(entry.request, [["Ce qu'on en fait ; ifNoneExist pour les personnes"]], [["What is done with it; ifNoneExist for persons"]])

Invariant: pfmg-bdl-1
* severity = #error
* insert Regle([["Le dossier a une prescription au moins."]], [["The dossier has one prescription at least."]])
* expression = "entry.resource.ofType(ServiceRequest).exists()"

Invariant: pfmg-bdl-2
* severity = #error
* insert Regle([["Les prescriptions déposées sont des brouillons (draft)."]], [["The prescriptions submitted are drafts (draft)."]])
* expression = "entry.where(request.method = 'POST').resource.ofType(ServiceRequest).all(status = 'draft')"

Invariant: pfmg-bdl-3
* severity = #error
* insert Regle([["Les prescriptions du dossier qui portent un numéro de dossier portent le même."]], [["Those prescriptions of the dossier that carry a dossier number carry the same."]])
* expression = "entry.resource.ofType(ServiceRequest).requisition.select(iif(system.exists(), system, '') + '|' + iif(value.exists(), value, '')).distinct().count() <= 1"

Invariant: pfmg-bdl-4
* severity = #error
* insert Regle([["Chaque ressource créée (POST) a un fullUrl, pour que les autres la désignent."]], [["Each resource created (POST) has a fullUrl, so that others can name it."]])
* expression = "entry.where(request.method = 'POST').all(fullUrl.exists())"
