Profile: PfmgSpecimen
Parent: Specimen
Id: pfmg-specimen
Title: "Prélèvement"
Description: "Tube, extrait d'ADN ou d'ARN, ou librairie : l'enfant désigne son parent. Cellularité, DIN, RIN, concentration sont des Observations."
* insert Definition("Specimen", [["Tube, extract of DNA or RNA, or library: the child names its parent. Cellularity, DIN, RIN, concentration are Observations."]])
* obeys pfmg-spm-1 and pfmg-spm-2 and pfmg-spm-3
* extension contains Origine named origine 0..1 MS
* insert Porte(identifier, [["Code-barres du tube, numéro de la librairie"]], [["Barcode of the tube, number of the library"]])
* identifier 1..*
* status 1..1
* insert Porte(status, [["unavailable jusqu'à réception ; available : conforme ; unsatisfactory : non conforme"]], [["unavailable until received; available: conform; unsatisfactory: non-conform"]])
* type 1..1
* insert Porte(type, [["Nature"]], [["Nature"]])
* type from {pfmg}/ValueSet/pfmg-nature (required)
* subject 1..1
* subject only Reference(Patient)
* insert Porte(subject, [["La personne"]], [["The person"]])
* request 1..1
* insert Porte(request, [["La prescription pour laquelle on a prélevé ; elle ne change jamais"]], [["The prescription it was collected for; it never changes"]])
* parent 0..1
* insert Porte(parent, [["Dont il est tiré : l'ADN du sang, la librairie de l'ADN"]], [["What it was made of: DNA of blood, library of DNA"]])
* insert Porte(receivedTime, [["Réception"]], [["Reception"]])
* collection 1..1
* collection.collected[x] 1..1
* insert Porte(collection.collected[x], [["Date du prélèvement"]], [["Date of collection"]])
* insert Porte(collection.bodySite, [["Organe (CIM-O-3, topographie, pour une tumeur)"]], [["Organ (ICD-O-3 topography for a tumour)"]])
* insert Porte(condition, [["Non-conformités"]], [["Non-conformities"]])
* condition from {pfmg}/ValueSet/pfmg-etat-prelevement (extensible)
* insert Dit(note, [["Commentaire d'une non-conformité, avec son auteur"]], [["Comment on a non-conformity, with its author"]])

Invariant: pfmg-spm-1
* severity = #error
* insert Regle([["Un prélèvement disponible (conforme) a été reçu : receivedTime."]], [["An available (conform) specimen was received: receivedTime."]])
* expression = "status = 'available' implies receivedTime.exists()"

Invariant: pfmg-spm-2
* severity = #error
* insert Regle([["Un prélèvement non conforme dit pourquoi (condition ou note)."]], [["A non-conform specimen says why (condition or note)."]])
* expression = "status = 'unsatisfactory' implies (condition.exists() or note.exists())"

Invariant: pfmg-spm-3
* severity = #warning
* insert Regle([["Un numéro de librairie d'AURAGEN s'écrit LIB et 8 ou 10 chiffres, ou UN-MR-1234567-1."]], [["A library number of AURAGEN is written LIB and 8 or 10 digits, or UN-MR-1234567-1."]])
* expression = "identifier.where(system = '{pfmg}/identifier/auragen-librairie').value.all($this.matches('^(LIB([0-9]{8}|[0-9]{10})|UN-(MR|OC)-[0-9]{7}-[0-9]{1,2})$'))"
