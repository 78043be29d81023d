Profile: PfmgTask
Parent: Task
Id: pfmg-task
Title: "Étape d'un dossier"
Description: "Une étape du parcours, son porteur et son état : RCP d'amont, consentement, réception, séquençage, interprétation, restitution …"
* insert Definition("Step of a dossier", [["A step of the pathway, who holds it and its state: upstream RCP, consent, reception, sequencing, interpretation, restitution …"]])
* obeys pfmg-tsk-1 and pfmg-tsk-2 and pfmg-tsk-3
* groupIdentifier 1..1
* groupIdentifier.system 1..1
* groupIdentifier.value 1..1
* insert Porte(groupIdentifier, [["Numéro du dossier"]], [["Number of the dossier"]])
* basedOn 0..0
* insert Porte(status, [["État de l'étape"]], [["State of the step"]])
* insert Porte(statusReason, [["Motif"]], [["Reason"]])
* statusReason from {pfmg}/ValueSet/pfmg-motif (extensible)
* insert Porte(businessStatus, [["Où en est le dossier"]], [["Where the dossier stands"]])
* businessStatus from {pfmg}/ValueSet/pfmg-etape (required)
* intent = #order
* insert Porte(intent, [["order"]], [["order"]])
* code 1..1
* insert Porte(code, [["L'étape"]], [["The step"]])
* code from {pfmg}/ValueSet/pfmg-tache (required)
* focus 1..1
* focus only Reference(ServiceRequest)
* insert Porte(focus, [["La prescription ; du cas index quand l'étape est du dossier"]], [["The prescription; that of the proband where the step is of the dossier"]])
* for 1..1
* for only Reference(Patient)
* insert Porte(for, [["La personne"]], [["The person"]])
* authoredOn 1..1
* insert Porte(authoredOn, [["Création (par le serveur)"]], [["Creation (by the server)"]])
* lastModified 1..1
* insert Porte(lastModified, [["Dernier changement (par le serveur)"]], [["Last change (by the server)"]])
* requester 1..1
* insert Porte(requester, [["Demandeur"]], [["Requester"]])
* insert Porte(owner, [["Porteur, par son FINESS"]], [["Holder, by FINESS number"]])
* insert Porte(owner.identifier, [["FINESS du porteur"]], [["FINESS number of the holder"]])
* insert Porte(restriction.period.end, [["Échéance"]], [["Due date"]])
* insert Porte(input, [["Ce dont l'étape a besoin"]], [["What the step needs"]])
* input.type from {pfmg}/ValueSet/pfmg-piece (extensible)
* insert Porte(output, [["Ce que l'étape a produit"]], [["What the step made"]])
* output.type from {pfmg}/ValueSet/pfmg-piece (extensible)

Invariant: pfmg-tsk-1
* severity = #error
* insert Regle([["Une étape refusée, en échec, suspendue ou annulée dit pourquoi (statusReason)."]], [["A step that is rejected, failed, on hold or cancelled says why (statusReason)."]])
* expression = "(status = 'rejected' or status = 'failed' or status = 'on-hold' or status = 'cancelled') implies statusReason.exists()"

Invariant: pfmg-tsk-2
* severity = #error
* insert Regle([["Une étape acceptée, en cours ou achevée a un porteur identifié (owner.identifier)."]], [["A step that is accepted, in progress or completed has an identified holder (owner.identifier)."]])
* expression = "(status = 'accepted' or status = 'in-progress' or status = 'completed') implies owner.identifier.exists()"

Invariant: pfmg-tsk-3
* severity = #error
* insert Regle([["Une restitution achevée désigne le compte rendu (output)."]], [["A completed restitution names the report (output)."]])
* expression = "(status = 'completed' and code.coding.where(code = 'restitution').exists()) implies output.where(value.reference.exists()).exists()"
