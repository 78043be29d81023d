// Les opérations du dossier.

RuleSet: Operation(id, nom, titre, description, anglais)
* url = "{pfmg}/OperationDefinition/{id}"
* name = {nom}
* title = {titre}
* insert Instance([[{anglais}]])
* description = {description}
* kind = #operation
* code = #{id}
* system = false

RuleSet: Parametre-operation(nom, usage, min, max, type, texte)
* parameter[+].name = #{nom}
* parameter[=].use = #{usage}
* parameter[=].min = {min}
* parameter[=].max = "{max}"
* parameter[=].type = #{type}
* parameter[=].documentation = {texte}

RuleSet: Groupe(nom, min, max, texte)
* parameter[+].name = #{nom}
* parameter[=].use = #out
* parameter[=].min = {min}
* parameter[=].max = "{max}"
* parameter[=].documentation = {texte}

RuleSet: Part(nom, min, max, type, texte)
* parameter[=].part[+].name = #{nom}
* parameter[=].part[=].use = #out
* parameter[=].part[=].min = {min}
* parameter[=].part[=].max = "{max}"
* parameter[=].part[=].type = #{type}
* parameter[=].part[=].documentation = {texte}

RuleSet: Sous-groupe(nom, min, max, texte)
* parameter[=].part[+].name = #{nom}
* parameter[=].part[=].use = #out
* parameter[=].part[=].min = {min}
* parameter[=].part[=].max = "{max}"
* parameter[=].part[=].documentation = {texte}

RuleSet: Sous-part(nom, min, max, type, texte)
* parameter[=].part[=].part[+].name = #{nom}
* parameter[=].part[=].part[=].use = #out
* parameter[=].part[=].part[=].min = {min}
* parameter[=].part[=].part[=].max = "{max}"
* parameter[=].part[=].part[=].type = #{type}
* parameter[=].part[=].part[=].documentation = {texte}

Instance: submit
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(submit, "Submit", "Déposer un dossier", [["Dépose un dossier : la transaction est faite tout entière ou pas du tout ; répond le numéro du dossier, les étapes créées et ce qui manque encore. Poster le même Bundle comme simple transaction vaut autant."]], [["Submits a dossier: the transaction is carried out whole or not at all; answers the number of the dossier, the steps made and what is still missing. Posting the same Bundle as a plain transaction works too."]])
* affectsState = true
* resource = #ServiceRequest
* type = true
* instance = false
* insert Parametre-operation(resource, in, 1, 1, Bundle, [["La transaction (profil pfmg-submission-bundle)."]])
* insert Parametre-operation(dossier, out, 1, 1, Identifier, [["Numéro du dossier (requisition)."]])
* insert Parametre-operation(prescription, out, 1, *, Reference, [["Les prescriptions du dossier, le cas index d'abord."]])
* insert Parametre-operation(tache, out, 0, *, Reference, [["Les étapes créées."]])
* insert Parametre-operation(outcome, out, 1, 1, OperationOutcome, [["Ce qui manque au dossier, et quoi y faire ; les mêmes codes que $validate et $completude."]])

Instance: a-completer
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(a-completer, "ACompleter", "Ce qui manque aux dossiers", [["Pour chaque dossier de l'établissement qui n'est pas clos : ce qui lui manque."]], [["For each open dossier of the hospital: what it still lacks."]])
* affectsState = false
* resource = #ServiceRequest
* type = true
* instance = false
* insert Parametre-operation(etablissement, in, 0, 1, string, [["FINESS de l'établissement, system|value ; absent : celui de qui demande."]])
* insert Parametre-operation(parcours, in, 0, *, code, [["Parcours seulement : MR, OC, KC."]])
* insert Parametre-operation(_count, in, 0, 1, integer, [["Dossiers par page."]])
* insert Groupe(dossier, 0, *, [["Un dossier auquel il manque quelque chose."]])
* insert Part(numero, 1, 1, Identifier, [["Numéro du dossier."]])
* insert Part(prescription, 1, 1, Reference, [["Prescription du cas index."]])
* insert Part(depuis, 0, 1, dateTime, [["Depuis quand le dossier attend."]])
* insert Part(manque, 1, *, CodeableConcept, [["Ce qui manque : code de la règle, et quoi faire."]])

Instance: suivi
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(suivi, "Suivi", "Où en est le dossier", [["Les étapes datées du dossier : création, RCP, consentement, prélèvements, réception, séquençage, interprétation, compte rendu, restitution ; les jours écoulés ; ce qu'il attend et de qui."]], [["The dated steps of the dossier: creation, RCP, consent, samples, reception, sequencing, interpretation, report, restitution; days elapsed; what it waits for and on whom."]])
* affectsState = false
* resource = #ServiceRequest
* type = false
* instance = true
* insert Parametre-operation(dossier, out, 1, 1, Identifier, [["Numéro du dossier."]])
* insert Parametre-operation(statut, out, 1, 1, code, [["État de la prescription du cas index."]])
* insert Parametre-operation(jours, out, 1, 1, integer, [["Jours écoulés depuis la création, ou jusqu'à la clôture."]])
* insert Groupe(etape, 0, *, [["Une étape, par date."]])
* insert Part(code, 1, 1, Coding, [["L'étape (pfmg-etape, pfmg-tache)."]])
* insert Part(date, 1, 1, dateTime, [["Quand."]])
* insert Part(jours, 0, 1, integer, [["Jours depuis l'étape précédente."]])
* insert Part(personne, 0, 1, Reference, [["La personne du dossier, quand l'étape est d'une personne."]])
* insert Part(source, 0, 1, Reference, [["La ressource qui le dit."]])
* insert Groupe(attente, 0, *, [["Ce que le dossier attend."]])
* insert Part(code, 1, 1, CodeableConcept, [["Quoi : étape ou règle."]])
* insert Part(qui, 0, 1, Reference, [["De qui."]])
* insert Part(depuis, 0, 1, dateTime, [["Depuis quand."]])
* insert Part(jours, 0, 1, integer, [["Depuis combien de jours."]])
* insert Part(motif, 0, 1, CodeableConcept, [["Pourquoi (pfmg-motif)."]])
* insert Groupe(recul, 0, *, [["Un refus, un échec, une suspension en chemin."]])
* insert Part(tache, 1, 1, Reference, [["L'étape."]])
* insert Part(statut, 1, 1, code, [["Son état."]])
* insert Part(motif, 0, 1, CodeableConcept, [["Pourquoi."]])
* insert Part(date, 1, 1, dateTime, [["Quand."]])

Instance: completude
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(completude, "Completude", "Ce qui manque à un dossier", [["Ce qui manque au dossier pour un état : rien n'est changé. Les mêmes manques, sous les mêmes codes, que $validate et l'écriture."]], [["What the dossier lacks for a state: nothing is changed. The same gaps, by the same codes, as $validate and the write."]])
* affectsState = false
* resource = #ServiceRequest
* type = false
* instance = true
* insert Parametre-operation(pour, in, 0, 1, code, [["État visé : draft, finalise ou active ; absent : le prochain."]])
* insert Parametre-operation(return, out, 1, 1, OperationOutcome, [["Les manques, chacun avec quoi faire ; une information quand il n'y en a pas."]])

Instance: statistiques
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(statistiques, "Statistiques", "Nombres et délais", [["Nombres de dossiers par préindication, plateforme, étape, mois ; délais (médiane, 20 et 80 %) ; parts des maladies rares et des cancers. Un nombre sous 11 est masqué, et avec lui ce qui le révélerait."]], [["Numbers of dossiers and median delays by préindication, platform, step, month; shares of rare disease and cancer. A number under 11 is masked, and with it what would reveal it."]])
* affectsState = false
* resource = #ServiceRequest
* type = true
* instance = false
* insert Parametre-operation(par, in, 0, *, code, [["Ventilations à rendre : preindication, plateforme, etape, mois ; absente : toutes. Une seule dimension par ligne et aucune période : des tables qui se recoupent révéleraient ce qui est masqué."]])
* insert Groupe(ligne, 0, *, [["Une case d'une ventilation."]])
* insert Part(par, 1, 1, code, [["La ventilation."]])
* insert Part(groupe, 0, 1, code, [["constitutionnel (MR, OC) ou cancer (KC)."]])
* insert Part(preindication, 0, 1, Coding, [["Préindication."]])
* insert Part(plateforme, 0, 1, Identifier, [["Plateforme (FINESS)."]])
* insert Part(etape, 0, 1, Coding, [["Étape."]])
* insert Part(mois, 0, 1, string, [["Mois (AAAA-MM)."]])
* insert Part(nombre, 0, 1, integer, [["Nombre de dossiers ; absent quand il est masqué."]])
* insert Part(masque, 1, 1, boolean, [["La case est masquée : moins de 11, ou elle révélerait une case masquée."]])
* insert Sous-groupe(delai, 0, *, [["Le délai jusqu'à une étape ; absent quand la case est masquée."]])
* insert Sous-part(jalon, 1, 1, Coding, [["L'étape."]])
* insert Sous-part(mediane, 0, 1, decimal, [["Délai médian, en jours."]])
* insert Sous-part(p20, 0, 1, decimal, [["Délai que 20 % des dossiers ne dépassent pas, en jours."]])
* insert Sous-part(p80, 0, 1, decimal, [["Délai que 80 % des dossiers ne dépassent pas, en jours."]])
* insert Groupe(part, 0, *, [["La part d'un groupe dans les dossiers."]])
* insert Part(groupe, 1, 1, code, [["constitutionnel (MR, OC) ou cancer (KC)."]])
* insert Part(pourcentage, 0, 1, decimal, [["Pour cent ; absent quand elle est masquée."]])

Instance: decision
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(decision, "Decision", "Ce que permet un consentement", [["Ce que répond une personne à une question du formulaire, à une date, d'après les provisions de ses consentements."]], [["What a person answers to a question of the form, at a date, by the provisions of that person's consents."]])
* affectsState = false
* resource = #Consent
* type = true
* instance = false
* insert Parametre-operation(patient, in, 1, 1, string, [["La personne : référence ou identifiant de Patient."]])
* insert Parametre-operation(code, in, 1, 1, code, [["La question (pfmg-choix)."]])
* insert Parametre-operation(at, in, 0, 1, dateTime, [["À quelle date ; absente : maintenant."]])
* insert Parametre-operation(decision, out, 1, 1, code, [["permit, deny, ou unknown : sans réponse."]])
* insert Parametre-operation(consent, out, 0, 1, Reference, [["Le consentement qui le dit, dans sa version."]])
* insert Parametre-operation(depuis, out, 0, 1, dateTime, [["Depuis quand la réponse vaut."]])
* insert Parametre-operation(jusque, out, 0, 1, dateTime, [["Jusqu'à quand elle vaut."]])
