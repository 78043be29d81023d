// Les paramètres de recherche que R4 n'a pas.

RuleSet: Parametre(id, nom, description, anglais, code, base, type, expression)
* url = "{pfmg}/SearchParameter/{id}"
* name = {nom}
* insert Instance([[{anglais}]])
* description = {description}
* code = #{code}
* base = #{base}
* type = #{type}
* expression = {expression}
* xpathUsage = #normal
* multipleOr = true
* multipleAnd = true

Instance: ServiceRequest-supporting-info
InstanceOf: SearchParameter
Usage: #definition
* insert Parametre(ServiceRequest-supporting-info, "SupportingInfo", [["Prescriptions qu'une ressource accompagne."]], [["Prescriptions that a resource goes with."]], supporting-info, ServiceRequest, reference, "ServiceRequest.supportingInfo")
* target[0] = #Observation
* target[1] = #FamilyMemberHistory
* target[2] = #Consent
* target[3] = #DocumentReference
* target[4] = #Condition
* target[5] = #QuestionnaireResponse

Instance: ServiceRequest-reason-code
InstanceOf: SearchParameter
Usage: #definition
* insert Parametre(ServiceRequest-reason-code, "ReasonCode", [["Prescriptions d'une préindication, ou d'un autre code de motif."]], [["Prescriptions of a préindication, or of another code of reason."]], reason-code, ServiceRequest, token, "ServiceRequest.reasonCode")

Instance: Specimen-request
InstanceOf: SearchParameter
Usage: #definition
* insert Parametre(Specimen-request, "Request", [["Prélèvements faits pour une prescription."]], [["Specimens collected for a prescription."]], request, Specimen, reference, "Specimen.request")
* target[0] = #ServiceRequest

Instance: FamilyMemberHistory-patient-record
InstanceOf: SearchParameter
Usage: #definition
* insert Parametre(FamilyMemberHistory-patient-record, "PatientRecord", [["Liens familiaux dont une personne est l'apparenté."]], [["Family links of which a person is the relative."]], patient-record, FamilyMemberHistory, reference, [["FamilyMemberHistory.extension('http://hl7.org/fhir/StructureDefinition/familymemberhistory-patient-record').value.ofType(Reference)"]])
* target[0] = #Patient
