// Les codes d'autres systèmes, nommés en français : leurs éditeurs ne les nomment qu'en anglais.
RuleSet: Code-d-autres(place, systeme)
* ^compose.include[{place}].system = {systeme}

RuleSet: Nomme(place, rang, code, francais)
* ^compose.include[{place}].concept[{rang}].code = #{code}
* ^compose.include[{place}].concept[{rang}].designation.language = #fr
* ^compose.include[{place}].concept[{rang}].designation.value = {francais}

ValueSet: PfmgIntention
Id: pfmg-intention
Title: "Intention d'une prescription"
Description: "Ordre, ou ordre déclenché par le laboratoire."
* insert Definition("Intent of a prescription", [["An order, or an order raised by the laboratory."]])
* insert Code-d-autres(0, [["http://hl7.org/fhir/request-intent"]])
* insert Nomme(0, 0, order, [["ordre"]])
* insert Nomme(0, 1, reflex-order, [["ordre déclenché par un résultat"]])

ValueSet: PfmgEtatPrelevement
Id: pfmg-etat-prelevement
Title: "État d'un prélèvement"
Description: "Non-conformités du projet et états de la table HL7 v2 0493."
* insert Definition("Condition of a specimen", [["Non-conformities of the project and conditions of HL7 v2 table 0493."]])
* ^compose.include[0].system = "{pfmg}/CodeSystem/pfmg-non-conformite"
* insert Code-d-autres(1, [["http://terminology.hl7.org/CodeSystem/v2-0493"]])
* insert Nomme(1, 0, AUT, [["Autolysé"]])
* insert Nomme(1, 1, CFU, [["Centrifugé"]])
* insert Nomme(1, 2, CLOT, [["Coagulé"]])
* insert Nomme(1, 3, CON, [["Contaminé"]])
* insert Nomme(1, 4, COOL, [["Réfrigéré"]])
* insert Nomme(1, 5, FROZ, [["Congelé"]])
* insert Nomme(1, 6, HEM, [["Hémolysé"]])
* insert Nomme(1, 7, LIVE, [["Vivant"]])
* insert Nomme(1, 8, ROOM, [["À température ambiante"]])
* insert Nomme(1, 9, SNR, [["Non reçu"]])
