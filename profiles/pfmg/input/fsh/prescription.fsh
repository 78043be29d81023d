Profile: PfmgServiceRequest
Parent: ServiceRequest
Id: pfmg-service-request
Title: "Prescription"
Description: "La prescription d'un examen de génomique pour une personne ; toutes celles d'un dossier ont le même requisition. Tumeur et constitutionnel d'une personne sont deux prélèvements d'une même prescription."
* insert Definition("Prescription", [["The prescription of a genomic examination for one person; all those of a dossier share requisition. Tumour and normal of a person are two specimens of one prescription."]])
* obeys pfmg-sr-1 and pfmg-sr-2 and pfmg-sr-3 and pfmg-sr-4 and pfmg-sr-5 and pfmg-sr-6 and pfmg-sr-7 and pfmg-sr-8
* extension contains NombreParticipants named nombreParticipants 0..1 MS and MotifStrategie named motifStrategie 0..1 MS
* insert Porte(identifier, [["Numéros de la prescription"]], [["Numbers of the prescription"]])
* identifier 1..*
* insert DecoupePar(identifier, pattern, type)
* identifier contains placer 0..1 and filler 0..1
* insert Porte(identifier[placer], [["Numéro du prescripteur"]], [["Number of the placer"]])
* identifier[placer].type = $v2-0203#PLAC
* identifier[placer].value 1..1
* insert Porte(identifier[filler], [["Numéro de la plateforme"]], [["Number of the platform"]])
* identifier[filler].type = $v2-0203#FILL
* identifier[filler].value 1..1
* insert Porte(requisition, [["Numéro du dossier, commun à ses prescriptions"]], [["Number of the dossier, shared by its prescriptions"]])
* basedOn 0..1
* insert Porte(basedOn, [["Prescription d'origine (réanalyse, étude en cascade, constitutionnel après tumeur)"]], [["Original prescription (reanalysis, cascade, germline after tumour)"]])
* basedOn only Reference(ServiceRequest)
* replaces 0..1
* insert Porte(replaces, [["Prescription refusée que celle-ci remplace"]], [["Refused prescription that this one replaces"]])
* insert Porte(status, [["État de la prescription"]], [["State of the prescription"]])
* insert Porte(intent, [["order ; reflex-order si le laboratoire la déclenche"]], [["order; reflex-order where the laboratory raises it"]])
* intent from {pfmg}/ValueSet/pfmg-intention (required)
* insert Porte(category, [["Parcours de soins, rôle de la personne"]], [["Pathway, role of the person"]])
* category 2..*
* insert DecoupePar(category, value, coding.system)
* category contains filiereSoins 1..1 and role 1..1 and lab 0..1
* insert Categorie(filiereSoins, pfmg-parcours, [["Parcours : maladie rare, oncogénétique, cancer"]], [["Pathway: rare disease, oncogenetics, cancer"]])
* insert Categorie(role, pfmg-role, [["Rôle : cas index ou apparenté"]], [["Role: proband or relative"]])
* category[lab].coding.system 1..1
* category[lab].coding.system = "http://snomed.info/sct"
* category[lab].coding.code 1..1
* category[lab].coding.code = #108252007
* priority 1..1
* insert Porte(priority, [["Priorité"]], [["Priority"]])
* code 1..1
* insert Porte(code, [["Examen demandé"]], [["Examination asked for"]])
* code from {pfmg}/ValueSet/pfmg-examen (required)
* insert Dit(orderDetail, [["Panel de gènes, variant recherché"]], [["Gene panel, variant looked for"]])
* subject only Reference(Patient)
* insert Porte(subject, [["La personne"]], [["The person"]])
* authoredOn 1..1
* insert Porte(authoredOn, [["Date de la prescription"]], [["Date of the prescription"]])
* requester 1..1
* requester only Reference(PractitionerRole)
* insert Porte(requester, [["Prescripteur"]], [["Prescriber"]])
* performer only Reference(Organization)
* insert Porte(performer, [["La plateforme, une seule dès que la prescription est active"]], [["The platform, exactly one once the prescription is active"]])
* insert Porte(reasonCode, [["Préindication ; codes de la plateforme, Orphanet, CIM-10"]], [["Préindication; codes of the platform, Orphanet, ICD-10"]])
* insert DecoupePar(reasonCode.coding, value, system)
* reasonCode.coding contains filiere 0..1 and seqoia 0..1 and auragen 0..1
* insert Raison(filiere, [["http://www.genomecad.fr/CodeSystem/PFMG/Filiere"]], [["Préindication nationale (F-01 à F-95)"]], [["National préindication (F-01 to F-95)"]])
* reasonCode.coding[filiere] from http://www.genomecad.fr/ValueSet/PFMG/Filiere (required)
* insert Raison(seqoia, [["http://www.seqoia.fr/CodeSystem/preindication"]], [["Clé de SeqOIA"]], [["SeqOIA's key"]])
* insert Raison(auragen, [["{pfmg}/CodeSystem/auragen-indication"]], [["Code d'indication d'AURAGEN"]], [["AURAGEN's indication code"]])
* insert Porte(reasonReference, [["Maladie, tumeur"]], [["Disease, tumour"]])
* insert Porte(specimen, [["Prélèvements qui existaient déjà ; les nouveaux désignent la prescription"]], [["Specimens that were there before; new ones name the request"]])
* insert Porte(supportingInfo, [["Phénotypes, arbre, consentements, documents"]], [["Phenotypes, pedigree, consents, documents"]])
* insert Porte(note, [["Commentaires"]], [["Comments"]])

RuleSet: Categorie(nom, systeme, francais, anglais)
* insert Porte(category[{nom}], [[{francais}]], [[{anglais}]])
* category[{nom}] from {pfmg}/ValueSet/{systeme} (required)
* category[{nom}].coding 1..*
* category[{nom}].coding.system 1..1
* category[{nom}].coding.system = "{pfmg}/CodeSystem/{systeme}"

RuleSet: Raison(nom, systeme, francais, anglais)
* insert Porte(reasonCode.coding[{nom}], [[{francais}]], [[{anglais}]])
* reasonCode.coding[{nom}].system 1..1
* reasonCode.coding[{nom}].system = {systeme}
* reasonCode.coding[{nom}].code 1..1

Invariant: pfmg-sr-1
* severity = #error
* insert Regle([["Une prescription porte un seul rôle : cas index ou apparenté."]], [["A prescription has one role: proband or relative."]])
* expression = "category.coding.where(system = '{pfmg}/CodeSystem/pfmg-role').count() = 1"

Invariant: pfmg-sr-2
* severity = #error
* insert Regle([["Hors brouillon, la prescription porte le numéro du dossier (requisition : system et value)."]], [["Past draft, the prescription carries the number of the dossier (requisition: system and value)."]])
* expression = "(status = 'draft' or status = 'entered-in-error') or (requisition.system.exists() and requisition.value.exists())"

Invariant: pfmg-sr-3
* severity = #error
* insert Regle([["La prescription active d'un cas index porte sa préindication (code F-xx)."]], [["The active prescription of a proband carries its préindication (code F-xx)."]])
* expression = "(status = 'active' and category.coding.where(system = '{pfmg}/CodeSystem/pfmg-role' and code = 'proband').exists()) implies reasonCode.coding.where(system = 'http://www.genomecad.fr/CodeSystem/PFMG/Filiere').exists()"

Invariant: pfmg-sr-4
* severity = #error
* insert Regle([["Une prescription active a un prescripteur, une date et une seule plateforme."]], [["An active prescription has a prescriber, a date and exactly one platform."]])
* expression = "status = 'active' implies (requester.exists() and authoredOn.exists() and performer.count() = 1)"

Invariant: pfmg-sr-5
* severity = #error
* insert Regle([["Une réanalyse désigne la prescription d'origine (basedOn)."]], [["A reanalysis names the original prescription (basedOn)."]])
* expression = "code.coding.where(system = '{pfmg}/CodeSystem/pfmg-examen' and code = 'reanalyse').exists() implies basedOn.exists()"

Invariant: pfmg-sr-6
* severity = #warning
* insert Regle([["Une priorité autre que routine est expliquée par une note."]], [["A priority other than routine is explained by a note."]])
* expression = "(priority.exists() and priority != 'routine') implies note.exists()"

Invariant: pfmg-sr-7
* severity = #warning
* insert Regle([["Un numéro de dossier d'AURAGEN s'écrit MR, OC ou KC, un tiret et sept chiffres."]], [["A case number of AURAGEN is written MR, OC or KC, a hyphen and seven digits."]])
* expression = "identifier.where(system = '{pfmg}/identifier/auragen-dossier').value.all($this.matches('^(MR|OC|KC)-[0-9]{7}$'))"

Invariant: pfmg-sr-8
* severity = #warning
* insert Regle([["Une clé de SeqOIA s'écrit p1-sp60, un code d'indication d'AURAGEN IMR, IOC ou IKC et quatre chiffres."]], [["A key of SeqOIA is written p1-sp60, an indication code of AURAGEN IMR, IOC or IKC and four digits."]])
* expression = "reasonCode.coding.where(system = '{pfmg}/CodeSystem/auragen-indication').code.all($this.matches('^(IMR|IOC|IKC)[0-9]{4}$')) and reasonCode.coding.where(system = 'http://www.seqoia.fr/CodeSystem/preindication').code.all($this.matches('^p[1-3]-sp[0-9]+$'))"
