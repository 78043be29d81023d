Profile: PfmgPatient
Parent: Patient
Id: pfmg-patient
Title: "Personne d'un dossier"
Description: "Cas index ou apparenté, INS qualifiée ou non. Reprend de FR Core 2.2.0 (fr-core-patient, fr-core-patient-ins) ce qu'il faut pour que la même ressource les suive."
* insert Definition("Person of a dossier", [["Proband or relative, INS qualified or not. Restates of FR Core 2.2.0 (fr-core-patient, fr-core-patient-ins) what lets the same resource follow them."]])
* obeys pfmg-pat-1 and pfmg-pat-2 and pfmg-pat-3 and pfmg-pat-4
* extension contains $fr-identity-reliability named fiabilite 0..* MS and Foetus named foetus 0..1 MS
* insert Dit(extension[fiabilite], [["Statut de l'identité (FR Core)"]], [["Status of the identity (FR Core)"]])
* insert Porte(identifier, [["INS, IPP, pseudonyme d'une plateforme"]], [["INS, hospital number, pseudonym of a platform"]])
* identifier 1..*
* insert DecoupePar(identifier, pattern, type)
* identifier contains
    INS-NIR 0..1 and
    INS-NIA 0..1 and
    INS-NIR-TEST 0..1 and
    INS-NIR-DEMO 0..1 and
    IPP 0..* and
    idAnon 0..*
* insert Ins(INS-NIR, [["urn:oid:1.2.250.1.213.1.4.8"]], [["INS, d'un NIR : identité qualifiée seulement"]], [["INS, from a NIR: qualified identity only"]])
* insert Ins(INS-NIA, [["urn:oid:1.2.250.1.213.1.4.9"]], [["INS, d'un NIA (provisoire) : identité qualifiée seulement"]], [["INS, from a temporary NIA: qualified identity only"]])
* insert Ins(INS-NIR-TEST, [["urn:oid:1.2.250.1.213.1.4.10"]], [["INS de test"]], [["INS for tests"]])
* insert Ins(INS-NIR-DEMO, [["urn:oid:1.2.250.1.213.1.4.11"]], [["INS de démonstration"]], [["INS for demonstrations"]])
* identifier[IPP].type 1..1
* identifier[IPP].type = $v2-0203#PI
* identifier[IPP].system 1..1
* identifier[IPP].value 1..1
* insert Porte(identifier[IPP], [["Identifiant permanent du patient dans un établissement (usage : jamais official)"]], [["Permanent number of the patient in a hospital (use: never official)"]])
* insert Dit(identifier[IPP].assigner, [["Établissement, par son FINESS"]], [["Hospital, by its FINESS number"]])
* identifier[idAnon].type 1..1
* identifier[idAnon].type = $v2-0203#ANON
* identifier[idAnon].system 1..1
* identifier[idAnon].value 1..1
* insert Porte(identifier[idAnon], [["Pseudonyme donné par une plateforme (id_anon de SeqOIA)"]], [["Pseudonym given by a platform (SeqOIA's id_anon)"]])
* insert Porte(name, [["Nom de naissance (official) ; nom utilisé (usual)"]], [["Birth name (official); name used (usual)"]])
* name 1..*
* insert DecoupePar(name, pattern, use)
* name contains officiel 1..1 and usuel 0..*
* insert Porte(name[officiel], [["Nom de naissance et premier prénom"]], [["Birth name and first given name"]])
* name[officiel].use 1..1
* name[officiel].use = #official
* name[officiel].family 1..1
* name[officiel].given 1..*
* insert Dit(name[usuel], [["Nom et prénom utilisés"]], [["Name used"]])
* name[usuel].use 1..1
* name[usuel].use = #usual
* gender 1..1
* insert Porte(gender, [["Sexe de l'identité ; le sexe génétique est une Observation"]], [["Administrative gender; genetic sex is an Observation"]])
* birthDate 1..1
* insert Porte(birthDate, [["Date de naissance"]], [["Date of birth"]])
* insert Porte(deceased[x], [["Décès : décide du formulaire de consentement"]], [["Death: decides on the form of consent"]])
* insert Dit(multipleBirth[x], [["Naissance multiple"]], [["Multiple birth"]])

RuleSet: Ins(nom, systeme, francais, anglais)
* identifier[{nom}].use 1..1
* identifier[{nom}].type 1..1
* identifier[{nom}].type = $fr-v2-0203#{nom}
* identifier[{nom}].system 1..1
* identifier[{nom}].system = {systeme}
* identifier[{nom}].value 1..1
* insert Porte(identifier[{nom}], [[{francais}]], [[{anglais}]])

// Les OID de test et de démonstration comptent comme une INS, comme dans fr-core-1.
Invariant: pfmg-pat-1
* severity = #error
* insert Regle([["La personne a une INS ou un IPP (type PI) ; un apparenté sans INS qualifiée a au moins un IPP."]], [["The person has an INS or a hospital number (type PI); a relative without a qualified INS has at least the latter."]])
* expression = "identifier.where(system = 'urn:oid:1.2.250.1.213.1.4.8' or system = 'urn:oid:1.2.250.1.213.1.4.9' or system = 'urn:oid:1.2.250.1.213.1.4.10' or system = 'urn:oid:1.2.250.1.213.1.4.11').exists() or identifier.where(type.coding.where(system = 'http://terminology.hl7.org/CodeSystem/v2-0203' and code = 'PI').exists()).exists()"

Invariant: pfmg-pat-2
* severity = #error
* insert Regle([["Une identité au statut VALI porte une INS d'usage official (fr-core-1)."]], [["An identity of status VALI carries an INS of use official (fr-core-1)."]])
* expression = "extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability').extension('identityStatus').value.where(code = 'VALI').exists() implies identifier.where(use = 'official' and (system = 'urn:oid:1.2.250.1.213.1.4.8' or system = 'urn:oid:1.2.250.1.213.1.4.9' or system = 'urn:oid:1.2.250.1.213.1.4.10' or system = 'urn:oid:1.2.250.1.213.1.4.11')).exists()"

Invariant: pfmg-pat-3
* severity = #error
* insert Regle([["Une identité au statut VALI porte un seul identifiant d'usage official (fr-core-2)."]], [["An identity of status VALI carries one identifier of use official only (fr-core-2)."]])
* expression = "extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability').extension('identityStatus').value.where(code = 'VALI').exists() implies identifier.where(use = 'official').count() <= 1"

Invariant: pfmg-pat-4
* severity = #warning
* insert Regle([["Une identité au statut VALI porte le lieu de naissance (code INSEE), un seul prénom de naissance et la liste des prénoms (fr-core-patient-ins)."]], [["An identity of status VALI carries the place of birth (INSEE code), one given name at birth and the list of given names (fr-core-patient-ins)."]])
* expression = "extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability').extension('identityStatus').value.where(code = 'VALI').exists() implies (extension('http://hl7.org/fhir/StructureDefinition/patient-birthPlace').value.extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code').exists() and name.where(use = 'official').all(given.count() = 1 and extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-birth-list-given-name').exists()))"
