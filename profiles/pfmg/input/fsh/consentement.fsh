// Deux ressources par personne : le formulaire a deux parties, signées à part, de droit différent.
// Les règles pfmg-con-2 et pfmg-con-5 sont des invariants et non des cardinalités : elles disent pourquoi.

RuleSet: Consentement
* obeys pfmg-con-1 and pfmg-con-2 and pfmg-con-3 and pfmg-con-4 and pfmg-con-5
* extension contains AutoriteParentaleExclusive named autoriteParentaleExclusive 0..1 MS
* insert Porte(status, [["active : un formulaire complet et signé est détenu, quoi qu'il dise"]], [["active: a complete signed form is held, whatever it says"]])
* insert Porte(scope, [["Soins ou recherche"]], [["Care or research"]])
* insert Porte(category, [["Consentement (LOINC) et formulaire"]], [["Consent (LOINC) and form"]])
* category 2..*
* insert DecoupePar(category, value, coding.system)
* category contains loinc 1..1 and formulaire 1..1
* category[loinc].coding.system 1..1
* category[loinc].coding.system = "http://loinc.org"
* category[loinc].coding.code 1..1
* category[loinc].coding.code = #59284-0
* insert Porte(category[formulaire], [["Formulaire signé"]], [["Form signed"]])
* category[formulaire] from {pfmg}/ValueSet/pfmg-formulaire (required)
* category[formulaire].coding 1..1
* category[formulaire].coding.system 1..1
* category[formulaire].coding.system = "{pfmg}/CodeSystem/pfmg-formulaire"
* patient 1..1
* insert Porte(patient, [["La personne"]], [["The person"]])
* insert Porte(dateTime, [["Date de signature"]], [["Date of signature"]])
* performer only Reference(Patient or RelatedPerson)
* insert Porte(performer, [["Signataires : la personne, ses représentants légaux"]], [["Signers: the person, the legal representatives"]])
* organization 1..*
* insert Porte(organization, [["Établissement ; pour la recherche, le CAD aussi"]], [["Hospital; for research the national collector too"]])
* insert Porte(source[x], [["Formulaire numérisé ou questionnaire"]], [["Scanned form or questionnaire"]])
* source[x] only Reference(DocumentReference or QuestionnaireResponse) or Attachment
* policy 1..*
* insert Porte(policy, [["Formulaire et version, contre lesquels les réponses se lisent"]], [["Form and version, against which the answers are read"]])
* policy.uri 1..1
* insert Porte(policyRule, [["Position de base"]], [["Base stance"]])
* policyRule 1..1
* policyRule = $v3-ActCode#OPTIN
* insert Porte(verification, [["Attestation d'information ; contrôle de la lecture du formulaire"]], [["Attestation of information; check of how the form was read"]])
* provision 1..1
* insert Porte(provision.data, [["Prescription concernée"]], [["Prescription concerned"]])
* provision.provision 1..*
* insert Porte(provision.provision, [["Une case du formulaire ; absente : sans réponse"]], [["One box of the form; absent: not answered"]])
* insert Porte(provision.provision.type, [["Oui (permit) ou non (deny)"]], [["Yes (permit) or no (deny)"]])
* insert Porte(provision.provision.code, [["Question"]], [["Question"]])
* provision.provision.code from {pfmg}/ValueSet/pfmg-choix (required)
* insert Dit(provision.provision.period, [["Temps pendant lequel la réponse vaut"]], [["Time during which the answer holds"]])

Profile: PfmgConsentSoins
Parent: Consent
Id: pfmg-consent-soins
Title: "Consentement à l'examen"
Description: "Ce qu'une personne, ou qui la représente, répond au formulaire de consentement à l'examen : une provision par case. La permission se lit dans les provisions, à une date."
* insert Definition("Consent to the examination", [["What a person, or who represents that person, answers in the form of consent to the examination: one provision per box. Permission is read from the provisions, at a date."]])
* insert Consentement
* scope = $consentscope#treatment

Profile: PfmgConsentRecherche
Parent: Consent
Id: pfmg-consent-recherche
Title: "Consentement à la conservation pour la recherche"
Description: "La partie du formulaire qui porte sur la recherche, signée à part : échantillons et données. Une opposition est une nouvelle version, inactive, dont la provision refuse."
* insert Definition("Consent to storage for research", [["The part of the form about research, signed apart: samples and data. An objection is a new version, inactive, whose provision denies."]])
* insert Consentement
* scope = $consentscope#research

Invariant: pfmg-con-1
* severity = #error
* insert Regle([["Un consentement actif est daté, signé, et joint le formulaire (dateTime, performer, source)."]], [["An active consent is dated, signed, and has the form with it (dateTime, performer, source)."]])
* expression = "status = 'active' implies (dateTime.exists() and performer.exists() and source.exists())"

Invariant: pfmg-con-2
* severity = #error
* insert Regle([["Chaque réponse dit oui ou non (type) à une seule question (code)."]], [["Each answer says yes or no (type) to one question (code)."]])
* expression = "provision.provision.all(type.exists() and code.count() = 1)"

Invariant: pfmg-con-3
* severity = #error
* insert Regle([["Aucune question n'a deux réponses."]], [["No question has two answers."]])
* expression = "provision.provision.code.coding.code.isDistinct()"

Invariant: pfmg-con-4
* severity = #error
* insert Regle([["Pour un mineur, les deux titulaires de l'autorité parentale signent, ou l'autorité exclusive est justifiée."]], [["For a minor both holders of parental authority sign, or sole authority is proven."]])
* expression = "category.coding.where(system = '{pfmg}/CodeSystem/pfmg-formulaire' and (code = 'mr-mineur' or code = 'cancer-mineur')).exists() implies (performer.count() >= 2 or extension.where(url = '{pfmg}/StructureDefinition/autorite-parentale-exclusive').exists())"

Invariant: pfmg-con-5
* severity = #error
* insert Regle([["La racine ne permet ni ne refuse (R4) : provision.type reste absent, policyRule dit la position de base."]], [["The root neither permits nor denies (R4): provision.type stays absent, policyRule tells the base stance."]])
* expression = "provision.type.empty()"
