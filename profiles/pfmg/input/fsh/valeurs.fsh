ValueSet: PfmgIntention
Id: pfmg-intention
Title: "Intention d'une prescription"
Description: "Ordre, ou ordre déclenché par le laboratoire."
* insert Definition("Intent of a prescription", [["An order, or an order raised by the laboratory."]])
* http://hl7.org/fhir/request-intent#order
* http://hl7.org/fhir/request-intent#reflex-order

ValueSet: PfmgEtatPrelevement
Id: pfmg-etat-prelevement
Title: "État d'un prélèvement"
Description: "Non-conformités du projet et états de la table HL7 v2 0493."
* insert Definition("Condition of a specimen", [["Non-conformities of the project and conditions of HL7 v2 table 0493."]])
* include codes from system {pfmg}/CodeSystem/pfmg-non-conformite
* include codes from system http://terminology.hl7.org/CodeSystem/v2-0493
