Profile: PfmgPractitioner
Parent: Practitioner
Id: pfmg-practitioner
Title: "Professionnel"
Description: "Une personne qui prescrit, coordonne, interprète : numéro RPPS comme dans fr-core-practitioner."
* insert Definition([["Professional"]], [["A person who prescribes, coordinates, interprets: RPPS number as in fr-core-practitioner."]])
* obeys pfmg-pra-1
* identifier 1..*
* insert Porte(identifier, [["RPPS"]], [["RPPS"]])
* insert DecoupePar(identifier, value, system)
* identifier contains rpps 0..*
* identifier[rpps].type 1..1
* identifier[rpps].type = $fr-v2-0203#RPPS
* identifier[rpps].system 1..1
* identifier[rpps].system = $rpps
* identifier[rpps].value 1..1
* name 1..*
* insert Porte(name, [["Nom d'exercice"]], [["Professional name"]])

Invariant: pfmg-pra-1
* severity = #warning
* insert Regle([["Un numéro RPPS a onze chiffres."]], [["An RPPS number has eleven digits."]])
* expression = "identifier.where(system = 'https://rpps.esante.gouv.fr').value.all($this.matches('^[0-9]{11}$'))"

Profile: PfmgPractitionerRole
Parent: PractitionerRole
Id: pfmg-practitioner-role
Title: "Professionnel dans une structure"
Description: "Qui prescrit, coordonne une RCP, interprète …, et pour quelle structure ; par référence ou par identifiant (RPPS, FINESS)."
* insert Definition([["Professional in a structure"]], [["Who prescribes, coordinates an RCP, interprets …, and for which structure; by reference or identifier (RPPS, FINESS)."]])
* obeys pfmg-prr-1
* practitioner 1..1
* insert Porte(practitioner, [["La personne, par son RPPS"]], [["The person, by RPPS number"]])
* organization 1..1
* insert Porte(organization, [["La structure, par son FINESS"]], [["The structure, by FINESS number"]])
* code 1..*
* insert Porte(code, [["Fonction dans le PFMG"]], [["Function in PFMG"]])
* insert DecoupePar(code, value, coding.system)
* code contains fonction 1..1
* code[fonction] MS
* code[fonction] from {pfmg}/ValueSet/pfmg-fonction (required)
* code[fonction].coding 1..1
* code[fonction].coding.system 1..1
* code[fonction].coding.system = "{pfmg}/CodeSystem/pfmg-fonction"
* insert Porte(telecom, [["Adresse MSSanté de préférence"]], [["MSSanté address preferred"]])
* telecom 1..*

Invariant: pfmg-prr-1
* severity = #error
* insert Regle([["La personne et la structure sont désignées par une référence ou par un identifiant (RPPS, FINESS)."]], [["Person and structure are named by a reference or an identifier (RPPS, FINESS)."]])
* expression = "(practitioner.reference.exists() or practitioner.identifier.value.exists()) and (organization.reference.exists() or organization.identifier.value.exists())"

Profile: PfmgOrganization
Parent: Organization
Id: pfmg-organization
Title: "Structure"
Description: "Plateforme (LBM-FMG), RCP, établissement prescripteur, centre qualifiant, collecteur. Les plateformes sont des données, non du code."
* insert Definition([["Structure"]], [["Platform (LBM-FMG), RCP, prescribing hospital, qualifying centre, national collector. The platforms are data, not code."]])
* obeys pfmg-org-1 and pfmg-org-2
* identifier 1..*
* insert Porte(identifier, [["FINESS, identifiant national de structure"]], [["FINESS number, national identifier of structures"]])
* insert DecoupePar(identifier, value, system)
* identifier contains finess 0..* and idNatSt 0..*
* insert Porte(identifier[finess], [["FINESS, juridique ou géographique"]], [["FINESS number, legal or geographic"]])
* identifier[finess].system 1..1
* identifier[finess].system = $finess
* identifier[finess].value 1..1
* insert Dit(identifier[idNatSt], [["Identifiant national de structure (1 et le FINESS)"]], [["National identifier of structures (1 and the FINESS number)"]])
* identifier[idNatSt].system 1..1
* identifier[idNatSt].system = "urn:oid:1.2.250.1.71.4.2.2"
* identifier[idNatSt].value 1..1
* type 1..*
* insert Porte(type, [["Type de structure"]], [["Type of structure"]])
* insert DecoupePar(type, value, coding.system)
* type contains pfmg 1..*
* type[pfmg] MS
* type[pfmg] from {pfmg}/ValueSet/pfmg-type-structure (required)
* type[pfmg].coding 1..1
* type[pfmg].coding.system 1..1
* type[pfmg].coding.system = "{pfmg}/CodeSystem/pfmg-type-structure"
* name 1..1
* insert Porte(name, [["Nom"]], [["Name"]])

Invariant: pfmg-org-1
* severity = #error
* insert Regle([["Une plateforme, un établissement ou un centre qualifiant a un FINESS, ou l'identifiant national de structure."]], [["A platform, a hospital or a qualifying centre has a FINESS number, or the national identifier of structures."]])
* expression = "type.coding.where(system = '{pfmg}/CodeSystem/pfmg-type-structure' and (code = 'lbm-fmg' or code = 'etablissement-prescripteur' or code = 'centre-qualifiant')).exists() implies identifier.where(system = 'https://finess.esante.gouv.fr' or system = 'urn:oid:1.2.250.1.71.4.2.2').value.exists()"

Invariant: pfmg-org-2
* severity = #warning
* insert Regle([["Un FINESS a neuf caractères, des chiffres, le deuxième A ou B en Corse."]], [["A FINESS number has nine characters, digits, the second A or B in Corsica."]])
* expression = "identifier.where(system = 'https://finess.esante.gouv.fr').value.all($this.matches('^[0-9][0-9AB][0-9]{7}$'))"

Profile: PfmgRelatedPerson
Parent: RelatedPerson
Id: pfmg-related-person
Title: "Proche ou représentant légal"
Description: "Titulaire de l'autorité parentale, tuteur, mère d'un fœtus : qui signe ou répond pour une personne."
* insert Definition([["Relative or legal representative"]], [["Holder of parental authority, guardian, mother of a fetus: who signs or answers for a person."]])
* identifier 0..1
* insert Porte(patient, [["La personne représentée"]], [["The person represented"]])
* relationship 1..*
* insert Porte(relationship, [["Lien (v3-RoleCode : MTH, FTH, GUARD …)"]], [["Relationship (v3-RoleCode: MTH, FTH, GUARD …)"]])
* insert DecoupePar(relationship.coding, value, system)
* relationship.coding contains lien 0..1
* relationship.coding[lien].system 1..1
* relationship.coding[lien].system = $v3-RoleCode
* relationship.coding[lien].code 1..1
* name 1..*
* insert Porte(name, [["Nom"]], [["Name"]])
* obeys pfmg-rel-1

Invariant: pfmg-rel-1
* severity = #error
* insert Regle([["Le lien est dit par un code de v3-RoleCode."]], [["The relationship is told by a code of v3-RoleCode."]])
* expression = "relationship.coding.where(system = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode').exists()"
