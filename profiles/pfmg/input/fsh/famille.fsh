Profile: PfmgFamilyMemberHistory
Parent: FamilyMemberHistory
Id: pfmg-family-member-history
Title: "Lien familial"
Description: "Une arête de l'arbre : l'apparenté est, pour patient, ce que dit relationship (père, mère …). Les données de l'apparenté sont dans son Patient ; sexe, décès et maladies ne sont ici que s'il n'a pas de Patient."
* insert Definition([["Family link"]], [["An edge of the pedigree: to patient, the relative is what relationship says (father, mother …). The relative's data are in the relative's Patient; sex, death and conditions are here only where there is none."]])
* obeys pfmg-fmh-1
* extension contains http://hl7.org/fhir/StructureDefinition/familymemberhistory-patient-record named patientRecord 0..1 MS
* insert Dit(extension[patientRecord], [["Le Patient de l'apparenté ; exigé s'il est séquencé"]], [["The Patient of the relative; needed where sequenced"]])
* insert Porte(patient, [["De qui part le lien : le cas index, ou un autre membre"]], [["Where the link starts: the proband or another member"]])
* insert Porte(relationship, [["Lien (v3-RoleCode, KIN)"]], [["Link (v3-RoleCode, KIN)"]])
* relationship.extension contains ConfianceLien named confiance 0..1 MS and Lignee named lignee 0..1 MS
* insert DecoupePar(relationship.coding, value, system)
* relationship.coding contains roleCode 1..1 and kin 0..1
* insert Dit(relationship.coding[roleCode], [["Code que la CAD attend (NK1-3) : FTH, MTH, NFTH, EXT …"]], [["Code that the national collector expects (NK1-3): FTH, MTH, NFTH, EXT …"]])
* relationship.coding[roleCode] from {pfmg}/ValueSet/pfmg-lien-familial (required)
* relationship.coding[roleCode].system 1..1
* relationship.coding[roleCode].system = $v3-RoleCode
* relationship.coding[roleCode].code 1..1
* insert Dit(relationship.coding[kin], [["Code de GA4GH (KIN:028 : père biologique)"]], [["Code of GA4GH (KIN:028: biological father)"]])
* relationship.coding[kin].system 1..1
* relationship.coding[kin].system = "http://purl.org/ga4gh/kin.fhir"
* relationship.coding[kin].code 1..1

Invariant: pfmg-fmh-1
* severity = #error
* insert Regle([["Les données d'un apparenté qui a son Patient sont dans ce Patient : ni sexe, ni naissance, ni décès, ni maladies ici."]], [["The data of a relative who has a Patient are in that Patient: no sex, birth, death or conditions here."]])
* expression = "extension.where(url = 'http://hl7.org/fhir/StructureDefinition/familymemberhistory-patient-record').exists() implies (sex.empty() and born.empty() and deceased.empty() and condition.empty())"

Profile: PfmgPhenotype
Parent: Observation
Id: pfmg-phenotype
Title: "Signe clinique (HPO)"
Description: "Un terme HPO, présent ou absent, chez tout membre du dossier : code dit le signe, value dit s'il est là."
* insert Definition([["Clinical sign (HPO)"]], [["An HPO term, present or absent, in any member of the dossier: code names the sign, value tells whether it is there."]])
* obeys pfmg-phe-1 and pfmg-phe-2
* insert Porte(status, [["État"]], [["State"]])
* category 1..*
* insert DecoupePar(category, pattern, $this)
* category contains exam 1..1
* category[exam] = http://terminology.hl7.org/CodeSystem/observation-category#exam
* insert Porte(code, [["Le signe"]], [["The sign"]])
* insert DecoupePar(code.coding, value, system)
* code.coding contains hpo 1..1
* code.coding[hpo].system 1..1
* code.coding[hpo].system = $hpo
* insert Porte(code.coding[hpo].version, [["Version de HPO"]], [["Release of HPO"]])
* code.coding[hpo].code 1..1
* subject 1..1
* subject only Reference(Patient)
* insert Porte(subject, [["La personne"]], [["The person"]])
* insert Porte(effective[x], [["Date de l'observation"]], [["Date of the observation"]])
* value[x] only CodeableConcept
* insert Porte(value[x], [["Présent (LA9633-4) ou absent (LA9634-2)"]], [["Present (LA9633-4) or absent (LA9634-2)"]])
* insert DecoupePar(component, pattern, code)
* component contains ageDebut 0..1 and ageDebutCode 0..1
* component[ageDebut].code = $sct#424850005
* component[ageDebut].value[x] only Quantity
* insert Dit(component[ageDebut], [["Âge au début, en durée (UCUM)"]], [["Age of onset as a duration (UCUM)"]])
* component[ageDebutCode].code = $hpo#HP:0003674
* component[ageDebutCode].value[x] only CodeableConcept
* insert Dit(component[ageDebutCode], [["Âge au début, en terme HPO"]], [["Age of onset as an HPO term"]])
* insert Dit(note, [["Commentaire"]], [["Comment"]])

Invariant: pfmg-phe-1
* severity = #error
* insert Regle([["Un code HPO s'écrit HP: et sept chiffres."]], [["An HPO code is written HP: and seven digits."]])
* expression = "code.coding.where(system = 'http://human-phenotype-ontology.org').code.all($this.matches('^HP:[0-9]{7}$'))"

Invariant: pfmg-phe-2
* severity = #error
* insert Regle([["La valeur dit présent (LA9633-4) ou absent (LA9634-2), ou dataAbsentReason dit pourquoi elle manque."]], [["The value says present (LA9633-4) or absent (LA9634-2), or dataAbsentReason why it is missing."]])
* expression = "dataAbsentReason.exists() or value.coding.where(system = 'http://loinc.org' and (code = 'LA9633-4' or code = 'LA9634-2')).exists()"
