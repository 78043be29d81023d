Extension: NombreParticipants
Id: nombre-participants
Title: "Nombre de personnes du dossier"
Description: "Sur la prescription du cas index : combien de personnes, cas index compris, le dossier doit réunir avant l'analyse."
Context: ServiceRequest
* insert Definition([["Number of persons of the dossier"]], [["On the proband's request: how many persons, the proband included, the dossier has to gather before the analysis."]])
* insert Dit(., [["Nombre de personnes du dossier"]], [["Number of persons of the dossier"]])
* value[x] only positiveInt
* value[x] 1..1

Extension: MotifStrategie
Id: motif-strategie
Title: "Motif d'une stratégie familiale réduite"
Description: "Pourquoi le dossier réunit moins de personnes que la préindication ne le demande (parent décédé, adoption, refus …)."
Context: ServiceRequest
* insert Definition([["Reason for a reduced family strategy"]], [["Why the dossier gathers fewer persons than the préindication asks for (parent deceased, adoption, refusal …)."]])
* insert Dit(., [["Motif d'une stratégie familiale réduite"]], [["Reason for a reduced family strategy"]])
* value[x] only string
* value[x] 1..1

Extension: AutoriteParentaleExclusive
Id: autorite-parentale-exclusive
Title: "Autorité parentale exclusive"
Description: "Un seul titulaire de l'autorité parentale signe ; la valeur désigne le justificatif, ou dit qu'il a été présenté."
Context: Consent
* insert Definition([["Sole parental authority"]], [["One holder of parental authority signs alone; the value names the proof, or says that it was shown."]])
* insert Dit(., [["Autorité parentale exclusive"]], [["Sole parental authority"]])
* value[x] only Reference(DocumentReference) or boolean
* value[x] 1..1

Extension: Origine
Id: origine
Title: "Origine du prélèvement"
Description: "Constitutionnel ou tumoral."
Context: Specimen
* insert Definition([["Origin of the specimen"]], [["Constitutional or tumoral."]])
* insert Dit(., [["Origine du prélèvement"]], [["Origin of the specimen"]])
* value[x] only CodeableConcept
* value[x] 1..1
* valueCodeableConcept from {pfmg}/ValueSet/pfmg-origine (required)

Extension: EmpreinteSha256
Id: empreinte-sha256
Title: "Empreinte SHA-256"
Description: "SHA-256 du fichier, en 64 chiffres hexadécimaux : Attachment.hash de R4 est un SHA-1."
Context: Attachment
* insert Definition([["SHA-256 digest"]], [["SHA-256 of the file, as 64 hexadecimal digits: R4's Attachment.hash is a SHA-1."]])
* insert Dit(., [["Empreinte SHA-256"]], [["SHA-256 digest"]])
* value[x] only string
* value[x] 1..1
* obeys pfmg-sha-1

Invariant: pfmg-sha-1
* severity = #error
* insert Regle([["L'empreinte a 64 chiffres hexadécimaux en minuscules."]], [["The digest has 64 hexadecimal digits in lower case."]])
* expression = "value.matches('^[0-9a-f]{64}$')"

Extension: TailleOctets
Id: taille-octets
Title: "Taille en octets"
Description: "Taille du fichier en octets : Attachment.size de R4 s'arrête à 2 Gio."
Context: Attachment
* insert Definition([["Size in bytes"]], [["Size of the file in bytes: R4's Attachment.size ends at 2 GiB."]])
* insert Dit(., [["Taille en octets"]], [["Size in bytes"]])
* value[x] only decimal
* value[x] 1..1
* obeys pfmg-tai-1

Invariant: pfmg-tai-1
* severity = #error
* insert Regle([["La taille est un nombre entier d'octets, zéro compris."]], [["The size is a whole number of bytes, zero included."]])
* expression = "value >= 0 and value mod 1 = 0"

Extension: ConfianceLien
Id: confiance-lien
Title: "Confiance dans le lien familial"
Description: "De 0 à 1 : 1 quand le lien a été déclaré par un code ; moins quand il a été déduit d'un texte libre."
Context: FamilyMemberHistory.relationship
* insert Definition([["Confidence in the family link"]], [["From 0 to 1: 1 when the link was told by a code; less when it was derived from free text."]])
* insert Dit(., [["Confiance dans le lien familial"]], [["Confidence in the family link"]])
* value[x] only decimal
* value[x] 1..1
* obeys pfmg-cfl-1

Invariant: pfmg-cfl-1
* severity = #error
* insert Regle([["La confiance va de 0 à 1."]], [["The confidence goes from 0 to 1."]])
* expression = "value >= 0 and value <= 1"

Extension: Lignee
Id: lignee
Title: "Lignée"
Description: "Branche paternelle ou maternelle, quand le code du lien ne la dit pas."
Context: FamilyMemberHistory.relationship
* insert Definition([["Lineage"]], [["Paternal or maternal branch, where the code of the link does not tell."]])
* insert Dit(., [["Lignée"]], [["Lineage"]])
* value[x] only CodeableConcept
* value[x] 1..1
* valueCodeableConcept from {pfmg}/ValueSet/pfmg-lignee (required)

Extension: Foetus
Id: foetus
Title: "Fœtus"
Description: "La personne est un fœtus : naissance à venir, ou qui n'a pas eu lieu."
Context: Patient
* insert Definition([["Fetus"]], [["The person is a fetus: birth to come, or that did not take place."]])
* insert Dit(., [["Fœtus"]], [["Fetus"]])
* value[x] only boolean
* value[x] 1..1
