// Ce que le serveur offre à chaque rôle : l'image de la politique (fhir_gateway/policy/politique.yaml), restreinte aux types
// d'un dossier. Un test compare les deux.

RuleSet: Patient
* rest.resource[+].type = #Patient
* rest.resource[=].supportedProfile[0] = "{pfmg}/StructureDefinition/pfmg-patient"

RuleSet: Recherche-Patient
* insert Cherche(identifier, token)
* insert Cherche(family, string)
* insert Cherche(given, string)
* insert Cherche(birthdate, date)

RuleSet: RelatedPerson
* rest.resource[+].type = #RelatedPerson
* rest.resource[=].supportedProfile[0] = "{pfmg}/StructureDefinition/pfmg-related-person"

RuleSet: Recherche-RelatedPerson
* insert Cherche(patient, reference)
* insert Cherche(relationship, token)

RuleSet: Practitioner
* rest.resource[+].type = #Practitioner
* rest.resource[=].supportedProfile[0] = "{pfmg}/StructureDefinition/pfmg-practitioner"

RuleSet: Recherche-Practitioner
* insert Cherche(identifier, token)
* insert Cherche(name, string)

RuleSet: PractitionerRole
* rest.resource[+].type = #PractitionerRole
* rest.resource[=].supportedProfile[0] = "{pfmg}/StructureDefinition/pfmg-practitioner-role"

RuleSet: Recherche-PractitionerRole
* insert Cherche(practitioner, reference)
* insert Cherche(organization, reference)
* insert Cherche(role, token)

RuleSet: Organization
* rest.resource[+].type = #Organization
* rest.resource[=].supportedProfile[0] = "{pfmg}/StructureDefinition/pfmg-organization"

RuleSet: Recherche-Organization
* insert Cherche(identifier, token)
* insert Cherche(type, token)
* insert Cherche(name, string)

RuleSet: ServiceRequest
* rest.resource[+].type = #ServiceRequest
* rest.resource[=].supportedProfile[0] = "{pfmg}/StructureDefinition/pfmg-service-request"

RuleSet: Recherche-ServiceRequest
* insert Cherche(identifier, token)
* insert Cherche(requisition, token)
* insert Cherche(status, token)
* insert Cherche(category, token)
* insert Cherche(code, token)
* insert Cherche(subject, reference)
* insert Cherche(patient, reference)
* insert Cherche(requester, reference)
* insert Cherche(performer, reference)
* insert Cherche(authored, date)
* insert Cherche(based-on, reference)
* insert Cherche(replaces, reference)
* insert Cherche(specimen, reference)
* insert Cherche(priority, token)
* insert Cherche-par(supporting-info, reference, ServiceRequest)
* insert Cherche-par(reason-code, token, ServiceRequest)

RuleSet: Consent
* rest.resource[+].type = #Consent
* rest.resource[=].supportedProfile[0] = "{pfmg}/StructureDefinition/pfmg-consent-soins"
* rest.resource[=].supportedProfile[1] = "{pfmg}/StructureDefinition/pfmg-consent-recherche"

RuleSet: Recherche-Consent
* insert Cherche(patient, reference)
* insert Cherche(status, token)
* insert Cherche(category, token)
* insert Cherche(scope, token)
* insert Cherche(period, date)
* insert Cherche(actor, reference)
* insert Cherche(data, reference)
* insert Cherche(source-reference, reference)

RuleSet: Specimen
* rest.resource[+].type = #Specimen
* rest.resource[=].supportedProfile[0] = "{pfmg}/StructureDefinition/pfmg-specimen"

RuleSet: Recherche-Specimen
* insert Cherche(identifier, token)
* insert Cherche(container-id, token)
* insert Cherche(status, token)
* insert Cherche(type, token)
* insert Cherche(subject, reference)
* insert Cherche(parent, reference)
* insert Cherche(collected, date)
* insert Cherche-par(request, reference, Specimen)

RuleSet: FamilyMemberHistory
* rest.resource[+].type = #FamilyMemberHistory
* rest.resource[=].supportedProfile[0] = "{pfmg}/StructureDefinition/pfmg-family-member-history"

RuleSet: Recherche-FamilyMemberHistory
* insert Cherche(patient, reference)
* insert Cherche(relationship, token)
* insert Cherche-par(patient-record, reference, FamilyMemberHistory)

RuleSet: Observation
* rest.resource[+].type = #Observation
* rest.resource[=].supportedProfile[0] = "{pfmg}/StructureDefinition/pfmg-phenotype"
* rest.resource[=].supportedProfile[1] = "{pfmg}/StructureDefinition/pfmg-variant"
* rest.resource[=].supportedProfile[2] = "{pfmg}/StructureDefinition/pfmg-diagnostic-implication"
* rest.resource[=].supportedProfile[3] = "{pfmg}/StructureDefinition/pfmg-tmb"
* rest.resource[=].supportedProfile[4] = "{pfmg}/StructureDefinition/pfmg-msi"
* rest.resource[=].supportedProfile[5] = "{pfmg}/StructureDefinition/pfmg-hrd"

RuleSet: Recherche-Observation
* insert Cherche(code, token)
* insert Cherche(value-concept, token)
* insert Cherche(subject, reference)
* insert Cherche(specimen, reference)
* insert Cherche(component-code-value-concept, composite)
* insert Cherche(category, token)

RuleSet: Task
* rest.resource[+].type = #Task
* rest.resource[=].supportedProfile[0] = "{pfmg}/StructureDefinition/pfmg-task"

RuleSet: Recherche-Task
* insert Cherche(owner, reference)
* insert Cherche(status, token)
* insert Cherche(business-status, token)
* insert Cherche(code, token)
* insert Cherche(focus, reference)
* insert Cherche(patient, reference)
* insert Cherche(group-identifier, token)
* insert Cherche(period, date)
* insert Cherche(modified, date)
* insert Cherche(requester, reference)
* insert Cherche(priority, token)

RuleSet: DocumentReference
* rest.resource[+].type = #DocumentReference
* rest.resource[=].supportedProfile[0] = "{pfmg}/StructureDefinition/pfmg-document-reference"

RuleSet: Recherche-DocumentReference
* insert Cherche(identifier, token)
* insert Cherche(subject, reference)
* insert Cherche(type, token)
* insert Cherche(category, token)
* insert Cherche(related, reference)
* insert Cherche(status, token)

RuleSet: DiagnosticReport
* rest.resource[+].type = #DiagnosticReport
* rest.resource[=].supportedProfile[0] = "{pfmg}/StructureDefinition/pfmg-diagnostic-report"

RuleSet: Recherche-DiagnosticReport
* insert Cherche(identifier, token)
* insert Cherche(based-on, reference)
* insert Cherche(status, token)
* insert Cherche(subject, reference)
* insert Cherche(issued, date)
* insert Cherche(performer, reference)
* insert Cherche(results-interpreter, reference)
* insert Cherche(code, token)

RuleSet: Procedure
* rest.resource[+].type = #Procedure
* rest.resource[=].supportedProfile[0] = "{pfmg}/StructureDefinition/pfmg-genomic-study"

RuleSet: Recherche-Procedure
* insert Cherche(identifier, token)
* insert Cherche(based-on, reference)
* insert Cherche(subject, reference)
* insert Cherche(date, date)

RuleSet: Provenance
* rest.resource[+].type = #Provenance
* rest.resource[=].supportedProfile[0] = "{pfmg}/StructureDefinition/pfmg-provenance"

RuleSet: Recherche-Provenance
* insert Cherche(target, reference)
* insert Cherche(agent, reference)
* insert Cherche(recorded, date)

RuleSet: AuditEvent
* rest.resource[+].type = #AuditEvent

RuleSet: Recherche-AuditEvent
* insert Cherche(entity, reference)
* insert Cherche(date, date)
* insert Cherche(agent, reference)

RuleSet: Cherche(nom, type)
* rest.resource[=].searchParam[+].name = "{nom}"
* rest.resource[=].searchParam[=].type = #{type}

RuleSet: Cherche-par(nom, type, base)
* insert Cherche({nom}, {type})
* rest.resource[=].searchParam[=].definition = "{pfmg}/SearchParameter/{base}-{nom}"

RuleSet: Peut(interaction)
* rest.resource[=].interaction[+].code = #{interaction}

RuleSet: Peut-si(interaction, limite, anglais)
* rest.resource[=].interaction[+].code = #{interaction}
* rest.resource[=].interaction[=].documentation = {limite}
* insert Traduit(rest.resource[=].interaction[=].documentation, [[{anglais}]])

RuleSet: Voit(portee, anglais)
* rest.resource[=].documentation = {portee}
* insert Traduit(rest.resource[=].documentation, [[{anglais}]])

RuleSet: Lit
* insert Peut(read)
* insert Peut(vread)
* insert Peut(history-instance)
* insert Peut(history-type)
* insert Peut(search-type)

RuleSet: Ecrit
* insert Peut(create)
* insert Peut(update)
* insert Peut(patch)

RuleSet: Offre(nom)
* rest.resource[=].operation[+].name = "{nom}"
* rest.resource[=].operation[=].definition = "{pfmg}/OperationDefinition/{nom}"

RuleSet: Offre-hl7(nom, definition)
* rest.resource[=].operation[+].name = "{nom}"
* rest.resource[=].operation[=].definition = "http://hl7.org/fhir/OperationDefinition/{definition}"

RuleSet: Role(role, nom, titre, title, description, anglais)
* url = "{pfmg}/CapabilityStatement/pfmg-role-{role}"
* name = {nom}
* title = {titre}
* insert Traduit(title, {title})
* insert Instance([[{anglais}]])
* description = {description}
* kind = #requirements
* fhirVersion = #4.0.1
* format[0] = #json
* format[1] = #xml
* rest.mode = #server

Instance: pfmg-role-prescripteur
InstanceOf: CapabilityStatement
Usage: #definition
* insert Role(prescripteur, "PfmgRolePrescripteur", "Exigences du rôle : Prescripteur", "Requirements of the role: Prescriber", [["Il pose l'indication, prescrit pour son organisation, réunit le dossier, finalise et restitue le résultat."]], [["Poses the indication, prescribes for his own organisation, gathers the file, finalises it, gives the result."]])
* insert Patient
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Patient
* insert Ecrit
* insert Offre-hl7(everything, Patient-everything)
* insert RelatedPerson
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-RelatedPerson
* insert Ecrit
* insert Practitioner
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Practitioner
* insert Peut(create)
* insert PractitionerRole
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-PractitionerRole
* insert Peut(create)
* insert Organization
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Organization
* insert Peut(create)
* insert ServiceRequest
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-ServiceRequest
* insert Ecrit
* insert Peut-si(delete, [["Depuis : draft."]], [["From: draft."]])
* insert Offre-hl7(graph, Resource-graph)
* insert Offre(suivi)
* insert Offre(completude)
* insert Offre(dossier)
* insert Offre(correspondance)
* insert Offre(a-completer)
* insert Offre(submit)
* insert Consent
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Consent
* insert Ecrit
* insert Peut-si(delete, [["Depuis : draft."]], [["From: draft."]])
* insert Specimen
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Specimen
* insert Ecrit
* insert FamilyMemberHistory
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-FamilyMemberHistory
* insert Ecrit
* insert Observation
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Observation
* insert Ecrit
* insert Task
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Task
* insert Peut-si(update, [["Les dossiers adressés à son organisation. Éléments : status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]], [["The dossiers addressed to their organisation. Elements: status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]])
* insert Peut-si(patch, [["Les dossiers adressés à son organisation. Éléments : status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]], [["The dossiers addressed to their organisation. Elements: status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]])
* insert Peut-si(delete, [["Depuis : draft."]], [["From: draft."]])
* insert Peut(create)
* insert DocumentReference
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-DocumentReference
* insert Ecrit
* insert DiagnosticReport
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-DiagnosticReport
* insert Procedure
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Procedure
* insert Ecrit
* insert Provenance
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Provenance
* insert Peut(create)
* rest.operation[0].name = "validate"
* rest.operation[0].definition = "http://hl7.org/fhir/OperationDefinition/Resource-validate"

Instance: pfmg-role-conseiller-genetique
InstanceOf: CapabilityStatement
Usage: #definition
* insert Role(conseiller-genetique, "PfmgRoleConseillerGenetique", "Exigences du rôle : Conseiller en génétique", "Requirements of the role: Genetic counsellor", [["Depuis 2024 il peut prescrire pour les préindications dont il a signé le protocole avec un médecin qualifié."]], [["Since 2024 may prescribe for the indications whose protocol was signed with a qualified physician."]])
* insert Patient
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Patient
* insert Ecrit
* insert Offre-hl7(everything, Patient-everything)
* insert RelatedPerson
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-RelatedPerson
* insert Ecrit
* insert Practitioner
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Practitioner
* insert Peut(create)
* insert PractitionerRole
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-PractitionerRole
* insert Peut(create)
* insert Organization
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Organization
* insert Peut(create)
* insert ServiceRequest
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-ServiceRequest
* insert Ecrit
* insert Peut-si(delete, [["Depuis : draft."]], [["From: draft."]])
* insert Offre-hl7(graph, Resource-graph)
* insert Offre(suivi)
* insert Offre(completude)
* insert Offre(dossier)
* insert Offre(correspondance)
* insert Offre(a-completer)
* insert Offre(submit)
* insert Consent
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Consent
* insert Ecrit
* insert Peut-si(delete, [["Depuis : draft."]], [["From: draft."]])
* insert Specimen
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Specimen
* insert Ecrit
* insert FamilyMemberHistory
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-FamilyMemberHistory
* insert Ecrit
* insert Observation
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Observation
* insert Ecrit
* insert Task
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Task
* insert Peut-si(update, [["Les dossiers adressés à son organisation. Éléments : status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]], [["The dossiers addressed to their organisation. Elements: status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]])
* insert Peut-si(patch, [["Les dossiers adressés à son organisation. Éléments : status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]], [["The dossiers addressed to their organisation. Elements: status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]])
* insert Peut-si(delete, [["Depuis : draft."]], [["From: draft."]])
* insert Peut(create)
* insert DocumentReference
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-DocumentReference
* insert Ecrit
* insert DiagnosticReport
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-DiagnosticReport
* insert Procedure
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Procedure
* insert Ecrit
* insert Provenance
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Provenance
* insert Peut(create)
* rest.operation[0].name = "validate"
* rest.operation[0].definition = "http://hl7.org/fhir/OperationDefinition/Resource-validate"

Instance: pfmg-role-assistant-prescription
InstanceOf: CapabilityStatement
Usage: #definition
* insert Role(assistant-prescription, "PfmgRoleAssistantPrescription", "Exigences du rôle : Assistant de prescription", "Requirements of the role: Prescription assistant", [["Il constitue le dossier et prépare la prescription en brouillon, sans jamais la signer à la place du prescripteur."]], [["Builds the file and prepares the order as a draft, and never signs it in the prescriber's place."]])
* insert Patient
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Patient
* insert Ecrit
* insert Offre-hl7(everything, Patient-everything)
* insert RelatedPerson
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-RelatedPerson
* insert Ecrit
* insert Practitioner
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Practitioner
* insert Peut(create)
* insert PractitionerRole
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-PractitionerRole
* insert Peut(create)
* insert Organization
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Organization
* insert Peut(create)
* insert ServiceRequest
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-ServiceRequest
* insert Peut-si(update, [["Depuis : draft. Vers : draft."]], [["From: draft. To: draft."]])
* insert Peut-si(patch, [["Depuis : draft. Vers : draft."]], [["From: draft. To: draft."]])
* insert Peut-si(delete, [["Depuis : draft."]], [["From: draft."]])
* insert Peut-si(create, [["Vers : draft."]], [["To: draft."]])
* insert Offre-hl7(graph, Resource-graph)
* insert Offre(suivi)
* insert Offre(completude)
* insert Offre(dossier)
* insert Offre(a-completer)
* insert Consent
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Consent
* insert Ecrit
* insert Peut-si(delete, [["Depuis : draft."]], [["From: draft."]])
* insert Specimen
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Specimen
* insert Ecrit
* insert FamilyMemberHistory
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-FamilyMemberHistory
* insert Ecrit
* insert Observation
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Observation
* insert Ecrit
* insert Task
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Task
* insert Peut-si(update, [["Les dossiers adressés à son organisation. Éléments : status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]], [["The dossiers addressed to their organisation. Elements: status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]])
* insert Peut-si(patch, [["Les dossiers adressés à son organisation. Éléments : status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]], [["The dossiers addressed to their organisation. Elements: status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]])
* insert Peut-si(delete, [["Depuis : draft."]], [["From: draft."]])
* insert Peut(create)
* insert DocumentReference
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-DocumentReference
* insert Ecrit
* insert DiagnosticReport
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-DiagnosticReport
* insert Procedure
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Procedure
* insert Ecrit
* insert Provenance
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Provenance
* insert Peut(create)
* rest.operation[0].name = "validate"
* rest.operation[0].definition = "http://hl7.org/fhir/OperationDefinition/Resource-validate"

Instance: pfmg-role-coordonnateur-rcp
InstanceOf: CapabilityStatement
Usage: #definition
* insert Role(coordonnateur-rcp, "PfmgRoleCoordonnateurRcp", "Exigences du rôle : Coordonnateur de RCP", "Requirements of the role: RCP coordinator", [["Il valide la demande dans l'outil, ce qui est indispensable, par la tâche de la RCP ; la demande reste intacte."]], [["Validates the demand, which is indispensable, by the board's task; the demand itself stays untouched."]])
* insert Patient
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Patient
* insert Offre-hl7(everything, Patient-everything)
* insert RelatedPerson
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-RelatedPerson
* insert Practitioner
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Practitioner
* insert PractitionerRole
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-PractitionerRole
* insert Organization
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Organization
* insert ServiceRequest
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-ServiceRequest
* insert Offre-hl7(graph, Resource-graph)
* insert Offre(suivi)
* insert Offre(completude)
* insert Offre(dossier)
* insert Offre(a-completer)
* insert Consent
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Consent
* insert Offre(decision)
* insert Specimen
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Specimen
* insert FamilyMemberHistory
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-FamilyMemberHistory
* insert Observation
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Observation
* insert Task
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Task
* insert Peut-si(update, [["Les dossiers adressés à son organisation. Éléments : status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]], [["The dossiers addressed to their organisation. Elements: status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]])
* insert Peut-si(patch, [["Les dossiers adressés à son organisation. Éléments : status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]], [["The dossiers addressed to their organisation. Elements: status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]])
* insert DocumentReference
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-DocumentReference
* insert Ecrit
* insert DiagnosticReport
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-DiagnosticReport
* insert Procedure
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Procedure
* insert Provenance
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Provenance
* insert Peut(create)
* rest.operation[0].name = "validate"
* rest.operation[0].definition = "http://hl7.org/fhir/OperationDefinition/Resource-validate"

Instance: pfmg-role-membre-rcp
InstanceOf: CapabilityStatement
Usage: #definition
* insert Role(membre-rcp, "PfmgRoleMembreRcp", "Exigences du rôle : Membre de RCP", "Requirements of the role: RCP member", [["Il lit les dossiers soumis à sa RCP et donne son avis ; la validation revient au coordonnateur."]], [["Reads the files submitted to the board and gives an opinion; validating is for the coordinator."]])
* insert Patient
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Patient
* insert Offre-hl7(everything, Patient-everything)
* insert RelatedPerson
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-RelatedPerson
* insert Practitioner
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Practitioner
* insert PractitionerRole
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-PractitionerRole
* insert Organization
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Organization
* insert ServiceRequest
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-ServiceRequest
* insert Offre-hl7(graph, Resource-graph)
* insert Offre(suivi)
* insert Offre(completude)
* insert Offre(dossier)
* insert Consent
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Consent
* insert Specimen
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Specimen
* insert FamilyMemberHistory
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-FamilyMemberHistory
* insert Observation
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Observation
* insert Task
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Task
* insert DocumentReference
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-DocumentReference
* insert DiagnosticReport
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-DiagnosticReport
* insert Procedure
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Procedure
* insert Provenance
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Provenance

Instance: pfmg-role-biologiste-lbm
InstanceOf: CapabilityStatement
Usage: #definition
* insert Role(biologiste-lbm, "PfmgRoleBiologisteLbm", "Exigences du rôle : Biologiste de LBM-FMG", "Requirements of the role: LBM-FMG biologist", [["Il interprète et signe le compte rendu ; il ne change ni la prescription ni les données de l'hôpital."]], [["Interprets and signs the report; changes neither the order nor the hospital's data."]])
* insert Patient
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Patient
* insert Offre-hl7(everything, Patient-everything)
* insert RelatedPerson
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-RelatedPerson
* insert Practitioner
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Practitioner
* insert PractitionerRole
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-PractitionerRole
* insert Organization
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Organization
* insert ServiceRequest
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-ServiceRequest
* insert Offre-hl7(graph, Resource-graph)
* insert Offre(suivi)
* insert Offre(completude)
* insert Offre(dossier)
* insert Offre(import-result)
* insert Offre(correspondance)
* insert Offre(a-completer)
* insert Consent
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Consent
* insert Specimen
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Specimen
* insert FamilyMemberHistory
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-FamilyMemberHistory
* insert Observation
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Observation
* insert Ecrit
* insert Task
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Task
* insert Peut-si(update, [["Les dossiers adressés à son organisation. Éléments : status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]], [["The dossiers addressed to their organisation. Elements: status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]])
* insert Peut-si(patch, [["Les dossiers adressés à son organisation. Éléments : status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]], [["The dossiers addressed to their organisation. Elements: status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]])
* insert DocumentReference
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-DocumentReference
* insert Ecrit
* insert DiagnosticReport
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-DiagnosticReport
* insert Ecrit
* insert Procedure
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Procedure
* insert Ecrit
* insert Provenance
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Provenance
* insert Peut(create)
* rest.operation[0].name = "validate"
* rest.operation[0].definition = "http://hl7.org/fhir/OperationDefinition/Resource-validate"

Instance: pfmg-role-pathologiste-referent
InstanceOf: CapabilityStatement
Usage: #definition
* insert Role(pathologiste-referent, "PfmgRolePathologisteReferent", "Exigences du rôle : Pathologiste référent", "Requirements of the role: Reference pathologist", [["Il qualifie les prélèvements tumoraux et joint l'anatomopathologie avant l'envoi à la plateforme."]], [["Qualifies tumour samples and attaches the pathology report before they go to the platform."]])
* insert Patient
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Patient
* insert Offre-hl7(everything, Patient-everything)
* insert RelatedPerson
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-RelatedPerson
* insert Practitioner
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Practitioner
* insert PractitionerRole
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-PractitionerRole
* insert Organization
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Organization
* insert ServiceRequest
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-ServiceRequest
* insert Offre-hl7(graph, Resource-graph)
* insert Offre(suivi)
* insert Offre(completude)
* insert Offre(dossier)
* insert Offre(a-completer)
* insert Consent
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Consent
* insert Specimen
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Specimen
* insert Peut-si(update, [["Les dossiers adressés à son organisation. Éléments : accessionIdentifier, status, receivedTime, condition, processing, container, note."]], [["The dossiers addressed to their organisation. Elements: accessionIdentifier, status, receivedTime, condition, processing, container, note."]])
* insert Peut-si(patch, [["Les dossiers adressés à son organisation. Éléments : accessionIdentifier, status, receivedTime, condition, processing, container, note."]], [["The dossiers addressed to their organisation. Elements: accessionIdentifier, status, receivedTime, condition, processing, container, note."]])
* insert Peut(create)
* insert FamilyMemberHistory
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-FamilyMemberHistory
* insert Observation
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Observation
* insert Ecrit
* insert Task
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Task
* insert Peut-si(update, [["Les dossiers adressés à son organisation. Éléments : status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]], [["The dossiers addressed to their organisation. Elements: status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]])
* insert Peut-si(patch, [["Les dossiers adressés à son organisation. Éléments : status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]], [["The dossiers addressed to their organisation. Elements: status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]])
* insert DocumentReference
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-DocumentReference
* insert Ecrit
* insert DiagnosticReport
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-DiagnosticReport
* insert Ecrit
* insert Procedure
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Procedure
* insert Ecrit
* insert Provenance
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Provenance
* insert Peut(create)
* rest.operation[0].name = "validate"
* rest.operation[0].definition = "http://hl7.org/fhir/OperationDefinition/Resource-validate"

Instance: pfmg-role-plateforme
InstanceOf: CapabilityStatement
Usage: #definition
* insert Role(plateforme, "PfmgRolePlateforme", "Exigences du rôle : Plateforme de séquençage", "Requirements of the role: Sequencing platform", [["Elle tire les dossiers qui lui sont adressés, mène ses tâches, rend ses résultats, inscrit son numéro ou révoque."]], [["Pulls the files addressed to it, does its tasks, gives its results, writes its number on an order or revokes it."]])
* insert Patient
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Patient
* insert Offre-hl7(everything, Patient-everything)
* insert RelatedPerson
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-RelatedPerson
* insert Practitioner
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Practitioner
* insert Peut(create)
* insert PractitionerRole
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-PractitionerRole
* insert Peut(create)
* insert Organization
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Organization
* insert Peut(create)
* insert ServiceRequest
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-ServiceRequest
* insert Peut-si(update, [["Les dossiers adressés à son organisation. Éléments : status, identifier. Vers : revoked."]], [["The dossiers addressed to their organisation. Elements: status, identifier. To: revoked."]])
* insert Peut-si(patch, [["Les dossiers adressés à son organisation. Éléments : status, identifier. Vers : revoked."]], [["The dossiers addressed to their organisation. Elements: status, identifier. To: revoked."]])
* insert Offre-hl7(graph, Resource-graph)
* insert Offre(suivi)
* insert Offre(completude)
* insert Offre(dossier)
* insert Offre(import-result)
* insert Offre(a-completer)
* insert Consent
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Consent
* insert Specimen
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Specimen
* insert Peut-si(update, [["Les dossiers adressés à son organisation. Éléments : accessionIdentifier, status, receivedTime, condition, processing, container, note."]], [["The dossiers addressed to their organisation. Elements: accessionIdentifier, status, receivedTime, condition, processing, container, note."]])
* insert Peut-si(patch, [["Les dossiers adressés à son organisation. Éléments : accessionIdentifier, status, receivedTime, condition, processing, container, note."]], [["The dossiers addressed to their organisation. Elements: accessionIdentifier, status, receivedTime, condition, processing, container, note."]])
* insert Peut(create)
* insert FamilyMemberHistory
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-FamilyMemberHistory
* insert Observation
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Observation
* insert Ecrit
* insert Task
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Task
* insert Peut-si(update, [["Les dossiers adressés à son organisation. Éléments : status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]], [["The dossiers addressed to their organisation. Elements: status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]])
* insert Peut-si(patch, [["Les dossiers adressés à son organisation. Éléments : status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]], [["The dossiers addressed to their organisation. Elements: status, statusReason, businessStatus, owner, output, note, executionPeriod, lastModified."]])
* insert Peut(create)
* insert DocumentReference
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-DocumentReference
* insert Ecrit
* insert DiagnosticReport
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-DiagnosticReport
* insert Ecrit
* insert Procedure
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Procedure
* insert Ecrit
* insert Provenance
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Provenance
* insert Peut(create)
* rest.operation[0].name = "validate"
* rest.operation[0].definition = "http://hl7.org/fhir/OperationDefinition/Resource-validate"

Instance: pfmg-role-flux-hospitalier
InstanceOf: CapabilityStatement
Usage: #definition
* insert Role(flux-hospitalier, "PfmgRoleFluxHospitalier", "Exigences du rôle : Flux hospitalier", "Requirements of the role: Hospital feed", [["Le système de l'hôpital tient à jour ce qui est à son organisation, les demandes en brouillon seulement."]], [["The hospital's system keeps what is its own organisation's up to date, orders as drafts only."]])
* insert Patient
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Patient
* insert Ecrit
* insert Offre-hl7(everything, Patient-everything)
* insert RelatedPerson
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-RelatedPerson
* insert Ecrit
* insert Practitioner
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Practitioner
* insert Peut(create)
* insert PractitionerRole
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-PractitionerRole
* insert Peut(create)
* insert Organization
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Organization
* insert Peut(create)
* insert ServiceRequest
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-ServiceRequest
* insert Peut-si(update, [["Depuis : draft. Vers : draft."]], [["From: draft. To: draft."]])
* insert Peut-si(patch, [["Depuis : draft. Vers : draft."]], [["From: draft. To: draft."]])
* insert Peut-si(delete, [["Depuis : draft."]], [["From: draft."]])
* insert Peut-si(create, [["Vers : draft."]], [["To: draft."]])
* insert Offre-hl7(graph, Resource-graph)
* insert Offre(suivi)
* insert Offre(completude)
* insert Offre(dossier)
* insert Offre(a-completer)
* insert Consent
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Consent
* insert Ecrit
* insert Specimen
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Specimen
* insert Ecrit
* insert FamilyMemberHistory
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-FamilyMemberHistory
* insert Ecrit
* insert Observation
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Observation
* insert Ecrit
* insert Task
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Task
* insert DocumentReference
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-DocumentReference
* insert Ecrit
* insert DiagnosticReport
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-DiagnosticReport
* insert Ecrit
* insert Procedure
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Procedure
* insert Ecrit
* insert Provenance
* insert Voit([["Les dossiers de son organisation."]], [["The dossiers of their organisation."]])
* insert Lit
* insert Recherche-Provenance
* insert Peut(create)
* rest.operation[0].name = "validate"
* rest.operation[0].definition = "http://hl7.org/fhir/OperationDefinition/Resource-validate"

Instance: pfmg-role-collecteur
InstanceOf: CapabilityStatement
Usage: #definition
* insert Role(collecteur, "PfmgRoleCollecteur", "Exigences du rôle : Collecteur analyseur de données", "Requirements of the role: National data collector", [["Il reçoit les données après la clôture ; il lit ce qui lui est adressé et n'écrit rien."]], [["Receives data after closure; reads what is addressed to it and writes nothing."]])
* insert Patient
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Patient
* insert Offre-hl7(everything, Patient-everything)
* insert RelatedPerson
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-RelatedPerson
* insert Practitioner
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Practitioner
* insert PractitionerRole
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-PractitionerRole
* insert Organization
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Organization
* insert ServiceRequest
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-ServiceRequest
* insert Offre-hl7(graph, Resource-graph)
* insert Offre(suivi)
* insert Offre(completude)
* insert Offre(dossier)
* insert Consent
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Consent
* insert Specimen
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Specimen
* insert FamilyMemberHistory
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-FamilyMemberHistory
* insert Observation
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Observation
* insert Task
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Task
* insert DocumentReference
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-DocumentReference
* insert DiagnosticReport
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-DiagnosticReport
* insert Procedure
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Procedure
* insert Provenance
* insert Voit([["Les dossiers adressés à son organisation."]], [["The dossiers addressed to their organisation."]])
* insert Lit
* insert Recherche-Provenance

Instance: pfmg-role-integrateur
InstanceOf: CapabilityStatement
Usage: #definition
* insert Role(integrateur, "PfmgRoleIntegrateur", "Exigences du rôle : Intégrateur", "Requirements of the role: Integrator", [["Il raccorde un logiciel et vérifie ses messages ; il n'a besoin d'aucun dossier."]], [["Connects a product and checks its messages; needs nobody's file."]])
* insert Practitioner
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Practitioner
* insert PractitionerRole
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-PractitionerRole
* insert Organization
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Organization
* rest.operation[0].name = "validate"
* rest.operation[0].definition = "http://hl7.org/fhir/OperationDefinition/Resource-validate"

Instance: pfmg-role-auditeur
InstanceOf: CapabilityStatement
Usage: #definition
* insert Role(auditeur, "PfmgRoleAuditeur", "Exigences du rôle : Auditeur", "Requirements of the role: Auditor", [["Il contrôle qui a fait quoi, chez tous, sans lire de données de santé."]], [["Checks who did what, everywhere, and reads no health data."]])
* insert Practitioner
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Practitioner
* insert PractitionerRole
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-PractitionerRole
* insert Organization
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Organization
* insert ServiceRequest
* insert Offre(statistiques)
* insert Provenance
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Provenance
* insert AuditEvent
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-AuditEvent

Instance: pfmg-role-administrateur
InstanceOf: CapabilityStatement
Usage: #definition
* insert Role(administrateur, "PfmgRoleAdministrateur", "Exigences du rôle : Administrateur", "Requirements of the role: Administrator", [["Il exploite la passerelle, tient l'annuaire et les définitions, répare ; peu de personnes, toujours tracées."]], [["Runs the gateway, keeps directory and definitions, repairs; few people, always traced."]])
* insert Patient
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Patient
* insert Ecrit
* insert Peut(delete)
* insert Offre-hl7(everything, Patient-everything)
* insert RelatedPerson
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-RelatedPerson
* insert Ecrit
* insert Peut(delete)
* insert Practitioner
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Practitioner
* insert Ecrit
* insert Peut(delete)
* insert PractitionerRole
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-PractitionerRole
* insert Ecrit
* insert Peut(delete)
* insert Organization
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Organization
* insert Ecrit
* insert Peut(delete)
* insert ServiceRequest
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-ServiceRequest
* insert Ecrit
* insert Peut(delete)
* insert Offre-hl7(graph, Resource-graph)
* insert Offre(suivi)
* insert Offre(completude)
* insert Offre(dossier)
* insert Offre(import-result)
* insert Offre(correspondance)
* insert Offre(a-completer)
* insert Offre(submit)
* insert Offre(statistiques)
* insert Consent
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Consent
* insert Ecrit
* insert Peut(delete)
* insert Offre(decision)
* insert Specimen
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Specimen
* insert Ecrit
* insert Peut(delete)
* insert FamilyMemberHistory
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-FamilyMemberHistory
* insert Ecrit
* insert Peut(delete)
* insert Observation
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Observation
* insert Ecrit
* insert Peut(delete)
* insert Task
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Task
* insert Ecrit
* insert Peut(delete)
* insert DocumentReference
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-DocumentReference
* insert Ecrit
* insert Peut(delete)
* insert DiagnosticReport
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-DiagnosticReport
* insert Ecrit
* insert Peut(delete)
* insert Procedure
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Procedure
* insert Ecrit
* insert Peut(delete)
* insert Provenance
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-Provenance
* insert Ecrit
* insert Peut(delete)
* insert AuditEvent
* insert Voit([["Rien n'est caché."]], [["Nothing is hidden."]])
* insert Lit
* insert Recherche-AuditEvent
* insert Ecrit
* insert Peut(delete)
* rest.operation[0].name = "validate"
* rest.operation[0].definition = "http://hl7.org/fhir/OperationDefinition/Resource-validate"
