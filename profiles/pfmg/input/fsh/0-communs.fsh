// Ce qui sert partout : noms courts des systèmes, et règles que chaque définition reprend.

Alias: $traduction = http://hl7.org/fhir/StructureDefinition/translation
Alias: $loinc = http://loinc.org
Alias: $sct = http://snomed.info/sct
Alias: $v2-0203 = http://terminology.hl7.org/CodeSystem/v2-0203
Alias: $v3-RoleCode = http://terminology.hl7.org/CodeSystem/v3-RoleCode
Alias: $v3-ActCode = http://terminology.hl7.org/CodeSystem/v3-ActCode
Alias: $consentscope = http://terminology.hl7.org/CodeSystem/consentscope
Alias: $fr-identity-reliability = https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability
Alias: $fr-v2-0203 = https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203
Alias: $rpps = https://rpps.esante.gouv.fr
Alias: $finess = https://finess.esante.gouv.fr
Alias: $hpo = http://human-phenotype-ontology.org
Alias: $ncit = http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl
Alias: $gr-codes = http://hl7.org/fhir/uv/genomics-reporting/CodeSystem/tbd-codes-cs
Alias: $filiere = http://www.genomecad.fr/CodeSystem/PFMG/Filiere

// Un texte en anglais, à côté de celui d'un élément.
RuleSet: Traduit(chemin, anglais)
* {chemin}.extension.url = $traduction
* {chemin}.extension.extension[0].url = "lang"
* {chemin}.extension.extension[0].valueCode = #en
* {chemin}.extension.extension[1].url = "content"
* {chemin}.extension.extension[1].valueString = {anglais}

// Ce que toute définition dit d'elle-même ; titre et description en anglais.
RuleSet: Definition(titre, description)
* ^language = #fr
* ^status = #active
* ^experimental = false
* ^date = "2026-11-22"
* ^publisher = "Projet fhir-gateway"
* ^jurisdiction = urn:iso:std:iso:3166#FR
* ^copyright = "Apache-2.0, projet fhir-gateway."
* ^copyright.extension.url = $traduction
* ^copyright.extension.extension[0].url = "lang"
* ^copyright.extension.extension[0].valueCode = #en
* ^copyright.extension.extension[1].url = "content"
* ^copyright.extension.extension[1].valueString = "Apache-2.0, fhir-gateway project."
* ^title.extension.url = $traduction
* ^title.extension.extension[0].url = "lang"
* ^title.extension.extension[0].valueCode = #en
* ^title.extension.extension[1].url = "content"
* ^title.extension.extension[1].valueString = {titre}
* ^description.extension.url = $traduction
* ^description.extension.extension[0].url = "lang"
* ^description.extension.extension[0].valueCode = #en
* ^description.extension.extension[1].url = "content"
* ^description.extension.extension[1].valueString = {description}

// La même chose pour les instances (SearchParameter, OperationDefinition …).
RuleSet: Instance(description)
* language = #fr
* status = #active
* experimental = false
* date = "2026-11-22"
* publisher = "Projet fhir-gateway"
* jurisdiction = urn:iso:std:iso:3166#FR
* insert Traduit(description, [[{description}]])

// Le libellé d'un élément, et ce libellé en anglais.
RuleSet: Dit(element, francais, anglais)
* {element} ^short = {francais}
* {element} ^short.extension.url = $traduction
* {element} ^short.extension.extension[0].url = "lang"
* {element} ^short.extension.extension[0].valueCode = #en
* {element} ^short.extension.extension[1].url = "content"
* {element} ^short.extension.extension[1].valueString = {anglais}

// Le même pour un élément que l'émetteur transmet dès qu'il le connaît, et que le serveur garde, rend et indexe.
RuleSet: Porte(element, francais, anglais)
* {element} MS
* insert Dit({element}, [[{francais}]], [[{anglais}]])

// Le texte d'un invariant, dans les deux langues.
RuleSet: Regle(francais, anglais)
* human = {francais}
* human.extension.url = $traduction
* human.extension.extension[0].url = "lang"
* human.extension.extension[0].valueCode = #en
* human.extension.extension[1].url = "content"
* human.extension.extension[1].valueString = {anglais}

// Découpe sur une valeur (jamais sur le profil d'une référence résolue).
RuleSet: DecoupePar(element, type, chemin)
* {element} ^slicing.discriminator.type = #{type}
* {element} ^slicing.discriminator.path = "{chemin}"
* {element} ^slicing.rules = #open
