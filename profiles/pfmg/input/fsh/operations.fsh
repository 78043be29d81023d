// Les opérations du dossier.

RuleSet: Operation(id, nom, titre, title, description, anglais)
* url = "{pfmg}/OperationDefinition/{id}"
* name = {nom}
* title = {titre}
* insert Traduit(title, {title})
* insert Instance([[{anglais}]])
* description = {description}
* kind = #operation
* code = #{id}
* system = false

RuleSet: Parametre-operation(nom, usage, min, max, type, texte, anglais)
* parameter[+].name = #{nom}
* parameter[=].use = #{usage}
* parameter[=].min = {min}
* parameter[=].max = "{max}"
* parameter[=].type = #{type}
* parameter[=].documentation = {texte}
* insert Traduit(parameter[=].documentation, [[{anglais}]])

RuleSet: Groupe(nom, min, max, texte, anglais)
* parameter[+].name = #{nom}
* parameter[=].use = #out
* parameter[=].min = {min}
* parameter[=].max = "{max}"
* parameter[=].documentation = {texte}
* insert Traduit(parameter[=].documentation, [[{anglais}]])

RuleSet: Part(nom, min, max, type, texte, anglais)
* parameter[=].part[+].name = #{nom}
* parameter[=].part[=].use = #out
* parameter[=].part[=].min = {min}
* parameter[=].part[=].max = "{max}"
* parameter[=].part[=].type = #{type}
* parameter[=].part[=].documentation = {texte}
* insert Traduit(parameter[=].part[=].documentation, [[{anglais}]])

RuleSet: Sous-groupe(nom, min, max, texte, anglais)
* parameter[=].part[+].name = #{nom}
* parameter[=].part[=].use = #out
* parameter[=].part[=].min = {min}
* parameter[=].part[=].max = "{max}"
* parameter[=].part[=].documentation = {texte}
* insert Traduit(parameter[=].part[=].documentation, [[{anglais}]])

RuleSet: Sous-part(nom, min, max, type, texte, anglais)
* parameter[=].part[=].part[+].name = #{nom}
* parameter[=].part[=].part[=].use = #out
* parameter[=].part[=].part[=].min = {min}
* parameter[=].part[=].part[=].max = "{max}"
* parameter[=].part[=].part[=].type = #{type}
* parameter[=].part[=].part[=].documentation = {texte}
* insert Traduit(parameter[=].part[=].part[=].documentation, [[{anglais}]])

Instance: submit
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(submit, "Submit", "Déposer un dossier", "Submit a dossier", [["Dépose un dossier : la transaction est faite tout entière ou pas du tout ; répond le numéro du dossier, les étapes créées et ce qui manque encore. Poster le même Bundle comme simple transaction vaut autant."]], [["Submits a dossier: the transaction is carried out whole or not at all; answers the number of the dossier, the steps made and what is still missing. Posting the same Bundle as a plain transaction works too."]])
* affectsState = true
* resource = #ServiceRequest
* type = true
* instance = false
* insert Parametre-operation(resource, in, 1, 1, Bundle, [["La transaction (profil pfmg-submission-bundle)."]], [["The transaction (profile pfmg-submission-bundle)."]])
* insert Parametre-operation(dossier, out, 1, 1, Identifier, [["Numéro du dossier (requisition)."]], [["Number of the dossier (requisition)."]])
* insert Parametre-operation(prescription, out, 1, *, Reference, [["Les prescriptions du dossier, le cas index d'abord."]], [["The requests of the dossier, the proband's first."]])
* insert Parametre-operation(tache, out, 0, *, Reference, [["Les étapes créées."]], [["The steps made."]])
* insert Parametre-operation(outcome, out, 1, 1, OperationOutcome, [["Ce qui manque au dossier, et quoi y faire ; les mêmes codes que $validate et $completude."]], [["What the dossier lacks, and what to do about it; the same codes as $validate and $completude."]])

Instance: a-completer
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(a-completer, "ACompleter", "Ce qui manque aux dossiers", "What the dossiers lack", [["Pour chaque dossier de l'établissement qui n'est pas clos : ce qui lui manque."]], [["For each open dossier of the hospital: what it still lacks."]])
* affectsState = false
* resource = #ServiceRequest
* type = true
* instance = false
* insert Parametre-operation(etablissement, in, 0, 1, string, [["FINESS de l'établissement, system|value ; absent : celui de qui demande."]], [["FINESS number of the hospital, system|value; absent: that of who asks."]])
* insert Parametre-operation(parcours, in, 0, *, code, [["Parcours seulement : MR, OC, KC."]], [["Only these pathways: MR, OC, KC."]])
* insert Parametre-operation(_count, in, 0, 1, integer, [["Dossiers par page."]], [["Dossiers a page."]])
* insert Groupe(dossier, 0, *, [["Un dossier auquel il manque quelque chose."]], [["A dossier that lacks something."]])
* insert Part(numero, 1, 1, Identifier, [["Numéro du dossier."]], [["Number of the dossier."]])
* insert Part(prescription, 1, 1, Reference, [["Prescription du cas index."]], [["The proband's request."]])
* insert Part(depuis, 0, 1, dateTime, [["Depuis quand le dossier attend."]], [["Since when the dossier waits."]])
* insert Part(manque, 1, *, CodeableConcept, [["Ce qui manque : code de la règle, et quoi faire."]], [["What is missing: code of the rule, and what to do."]])
* insert Parametre-operation(suivant, out, 0, 1, uri, [["La page suivante, quand d'autres dossiers peuvent suivre : pour qui voit la même chose, et la même question."]], [["The next page, where other dossiers may follow: for who sees the same, and for the same question."]])

Instance: suivi
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(suivi, "Suivi", "Où en est le dossier", "Where the dossier stands", [["Les étapes datées du dossier : création, RCP, consentement, prélèvements, réception, séquençage, interprétation, compte rendu, restitution ; les jours écoulés ; ce qu'il attend et de qui."]], [["The dated steps of the dossier: creation, RCP, consent, samples, reception, sequencing, interpretation, report, restitution; days elapsed; what it waits for and on whom."]])
* affectsState = false
* resource = #ServiceRequest
* type = false
* instance = true
* insert Parametre-operation(dossier, out, 1, 1, Identifier, [["Numéro du dossier."]], [["Number of the dossier."]])
* insert Parametre-operation(statut, out, 1, 1, code, [["État de la prescription du cas index."]], [["Status of the proband's request."]])
* insert Parametre-operation(jours, out, 1, 1, integer, [["Jours écoulés depuis la création, ou jusqu'à la clôture."]], [["Days since the creation, or until the closure."]])
* insert Groupe(etape, 0, *, [["Un jalon atteint, dans leur ordre ; le dépôt au collecteur : demandé, fait, acquitté."]], [["A milestone that was reached, in their order; the deposit with the collector: asked for, laid down, acknowledged."]])
* insert Part(code, 1, 1, Coding, [["Le jalon (pfmg-jalon)."]], [["The milestone (pfmg-jalon)."]])
* insert Part(date, 1, 1, dateTime, [["Quand."]], [["When."]])
* insert Part(jours, 0, 1, integer, [["Jours depuis l'étape précédente."]], [["Days since the step before."]])
* insert Part(personne, 0, 1, Reference, [["La personne du dossier, quand l'étape est d'une personne."]], [["The person of the dossier, where the step is of one person."]])
* insert Part(source, 0, 1, Reference, [["La ressource qui le dit."]], [["The resource that tells it."]])
* insert Groupe(attente, 0, *, [["Ce que le dossier attend."]], [["What the dossier waits for."]])
* insert Part(code, 1, 1, CodeableConcept, [["Quoi : étape ou règle."]], [["What: step or rule."]])
* insert Part(qui, 0, 1, Reference, [["De qui."]], [["From whom."]])
* insert Part(depuis, 0, 1, dateTime, [["Depuis quand."]], [["Since when."]])
* insert Part(jours, 0, 1, integer, [["Depuis combien de jours."]], [["For how many days."]])
* insert Part(motif, 0, 1, CodeableConcept, [["Pourquoi (pfmg-motif)."]], [["Why (pfmg-motif)."]])
* insert Groupe(recul, 0, *, [["Un refus, un échec, une suspension en chemin."]], [["A refusal, a failure, a hold on the way."]])
* insert Part(tache, 1, 1, Reference, [["L'étape."]], [["The step."]])
* insert Part(statut, 1, 1, code, [["Son état."]], [["Its status."]])
* insert Part(motif, 0, 1, CodeableConcept, [["Pourquoi."]], [["Why."]])
* insert Part(date, 1, 1, dateTime, [["Quand."]], [["When."]])
* insert Groupe(import, 0, *, [["Un fichier de résultats importé."]], [["A result file that was imported."]])
* insert Part(date, 1, 1, dateTime, [["Quand."]], [["When."]])
* insert Part(format, 1, 1, code, [["Son format."]], [["Its format."]])
* insert Part(fichier, 1, 1, string, [["Son nom."]], [["Its name."]])
* insert Part(empreinte, 1, 1, string, [["Son SHA-256."]], [["Its SHA-256."]])
* insert Part(source, 1, 1, Reference, [["La Provenance qui le dit."]], [["The Provenance that tells it."]])

Instance: completude
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(completude, "Completude", "Ce qui manque à un dossier", "What a dossier lacks", [["Ce qui manque au dossier pour un état : rien n'est changé. Les mêmes manques, sous les mêmes codes, que $validate et l'écriture."]], [["What the dossier lacks for a state: nothing is changed. The same gaps, by the same codes, as $validate and the write."]])
* affectsState = false
* resource = #ServiceRequest
* type = false
* instance = true
* insert Parametre-operation(pour, in, 0, 1, code, [["État visé : draft, finalise ou active ; absent : le prochain."]], [["State aimed at: draft, finalise or active; absent: the next one."]])
* insert Parametre-operation(return, out, 1, 1, OperationOutcome, [["Les manques, chacun avec quoi faire ; une information quand il n'y en a pas."]], [["The gaps, each with what to do; an information where there are none."]])

Instance: statistiques
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(statistiques, "Statistiques", "Nombres et délais", "Numbers and delays", [["Nombres de dossiers par préindication, plateforme, étape, mois ; délais (médiane, 20 et 80 %) ; parts des maladies rares et des cancers. Un nombre sous 11 est masqué, et avec lui ce qui le révélerait."]], [["Numbers of dossiers and median delays by préindication, platform, step, month; shares of rare disease and cancer. A number under 11 is masked, and with it what would reveal it."]])
* affectsState = false
* resource = #ServiceRequest
* type = true
* instance = false
* insert Parametre-operation(par, in, 0, *, code, [["Ventilations à rendre : preindication, plateforme, etape, mois ; absente : toutes. Une seule dimension par ligne et aucune période : des tables qui se recoupent révéleraient ce qui est masqué."]], [["Breakdowns to return: preindication, plateforme, etape, mois; absent: all. One dimension a line and no period: tables that overlap would reveal what is masked."]])
* insert Groupe(ligne, 0, *, [["Une case d'une ventilation."]], [["A cell of a breakdown."]])
* insert Part(par, 1, 1, code, [["La ventilation."]], [["The breakdown."]])
* insert Part(groupe, 0, 1, code, [["constitutionnel (MR, OC) ou cancer (KC)."]], [["constitutionnel (MR, OC) or cancer (KC)."]])
* insert Part(preindication, 0, 1, Coding, [["Préindication."]], [["Préindication."]])
* insert Part(plateforme, 0, 1, Identifier, [["Plateforme (FINESS)."]], [["Platform (FINESS)."]])
* insert Part(etape, 0, 1, Coding, [["Étape."]], [["Step."]])
* insert Part(mois, 0, 1, string, [["Mois (AAAA-MM)."]], [["Month (YYYY-MM)."]])
* insert Part(nombre, 0, 1, integer, [["Nombre de dossiers ; absent quand il est masqué."]], [["Number of dossiers; absent where it is masked."]])
* insert Part(masque, 1, 1, boolean, [["La case est masquée : moins de 11, ou elle révélerait une case masquée."]], [["The cell is masked: less than 11, or it would reveal a masked cell."]])
* insert Sous-groupe(delai, 0, *, [["Le délai jusqu'à une étape ; absent quand la case est masquée."]], [["The delay until a step; absent where the cell is masked."]])
* insert Sous-part(jalon, 1, 1, Coding, [["Le jalon (pfmg-jalon)."]], [["The milestone (pfmg-jalon)."]])
* insert Sous-part(mediane, 0, 1, decimal, [["Délai médian, en jours."]], [["Median delay, in days."]])
* insert Sous-part(p20, 0, 1, decimal, [["Délai que 20 % des dossiers ne dépassent pas, en jours."]], [["Delay that 20 % of the dossiers do not exceed, in days."]])
* insert Sous-part(p80, 0, 1, decimal, [["Délai que 80 % des dossiers ne dépassent pas, en jours."]], [["Delay that 80 % of the dossiers do not exceed, in days."]])
* insert Groupe(part, 0, *, [["La part d'un groupe dans les dossiers."]], [["The share of a group in the dossiers."]])
* insert Part(groupe, 1, 1, code, [["constitutionnel (MR, OC) ou cancer (KC)."]], [["constitutionnel (MR, OC) or cancer (KC)."]])
* insert Part(pourcentage, 0, 1, decimal, [["Pour cent ; absent quand elle est masquée."]], [["Per cent; absent where it is masked."]])

Instance: decision
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(decision, "Decision", "Ce que permet un consentement", "What a consent permits", [["Ce que répond une personne à une question du formulaire, à une date, d'après les provisions de ses consentements."]], [["What a person answers to a question of the form, at a date, by the provisions of that person's consents."]])
* affectsState = false
* resource = #Consent
* type = true
* instance = false
* insert Parametre-operation(patient, in, 1, 1, string, [["La personne : référence ou identifiant de Patient."]], [["The person: reference or id of a Patient."]])
* insert Parametre-operation(code, in, 1, 1, code, [["La question (pfmg-choix)."]], [["The question (pfmg-choix)."]])
* insert Parametre-operation(at, in, 0, 1, dateTime, [["À quelle date ; absente : maintenant."]], [["At which date; absent: now."]])
* insert Parametre-operation(decision, out, 1, 1, code, [["permit, deny, ou unknown : sans réponse."]], [["permit, deny, or unknown: no answer."]])
* insert Parametre-operation(consent, out, 0, 1, Reference, [["Le consentement qui le dit, dans sa version."]], [["The consent that tells it, in its version."]])
* insert Parametre-operation(depuis, out, 0, 1, dateTime, [["Depuis quand la réponse vaut."]], [["Since when the answer holds."]])
* insert Parametre-operation(jusque, out, 0, 1, dateTime, [["Jusqu'à quand elle vaut."]], [["Until when it holds."]])

Instance: dossier
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(dossier, "Dossier", "Le dossier comme fichier d'une plateforme", "The dossier as a platform's file", [["Le dossier d'une prescription, ou une page de dossiers, comme fichiers d'un format : auragen-mr, auragen-kc, auragen-libraries, auragen-software, seqoia, phenopacket, ped, vcf, cad ; auragen : mr ou kc selon le parcours ; spice : seqoia. Sur le type, les critères sont ceux d'une recherche de ServiceRequest, jugés sur la prescription du cas index ; mêmes droits, mêmes pages. Réponse : Parameters ; application/x-ndjson (une ligne par fichier, suivie d'un OperationOutcome s'il y a à dire) ; application/zip (les fichiers et outcome.ndjson). La page suivante est dans suivant ou dans l'en-tête Link. phenopacket, ped et vcf désignent les personnes par des pseudonymes ; cad est le message que le collecteur recevrait, fichiers annoncés seulement."]], [["The dossier of a request, or a page of dossiers, as files of a format: auragen-mr, auragen-kc, auragen-libraries, auragen-software, seqoia, phenopacket, ped, vcf, cad; auragen: mr or kc by the pathway; spice: seqoia. On the type, the criteria are those of a search of ServiceRequest, judged on the proband's request; same rights, same pages. Answer: Parameters; application/x-ndjson (a line for each file, followed by an OperationOutcome where there is something to say); application/zip (the files and outcome.ndjson). The next page is in suivant or in the header Link. phenopacket, ped and vcf call people by pseudonyms; cad is the message that the collector would get, with files announced only."]])
* affectsState = false
* resource = #ServiceRequest
* type = true
* instance = true
* insert Parametre-operation(format, in, 1, 1, code, [["Le format : auragen, auragen-mr, auragen-kc, auragen-libraries, auragen-software, seqoia (ou spice), phenopacket, ped, vcf ou cad."]], [["The format: auragen, auragen-mr, auragen-kc, auragen-libraries, auragen-software, seqoia (or spice), phenopacket, ped, vcf or cad."]])
* insert Groupe(dossier, 0, *, [["Un dossier."]], [["A dossier."]])
* insert Part(numero, 1, 1, Identifier, [["Numéro du dossier."]], [["Number of the dossier."]])
* insert Part(prescription, 1, 1, Reference, [["Prescription demandée, ou du cas index."]], [["The request asked about, or the proband's."]])
* insert Part(nom, 0, 1, string, [["Nom du fichier."]], [["Name of the file."]])
* insert Part(empreinte, 0, 1, string, [["SHA-256 du fichier."]], [["SHA-256 of the file."]])
* insert Part(fichier, 0, 1, Binary, [["Le fichier ; absent quand le dossier n'a pas ce que le format exige."]], [["The file; absent where the dossier lacks what the format demands."]])
* insert Part(outcome, 1, 1, OperationOutcome, [["Ce qui manque, et ce que le fichier ne porte pas."]], [["What lacks, and what the file does not carry."]])
* insert Parametre-operation(suivant, out, 0, 1, uri, [["La page suivante."]], [["The next page."]])

Instance: import-result
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(import-result, "ImportResult", "Importer un fichier de résultats", "Import a result file", [["Le fichier d'une plateforme (AURAGEN, SPICE, phenopacket, PED, VCF) trouve son dossier par numéro de dossier, librairie ou pseudonyme, ou par la prescription demandée ; ses résultats sont écrits en une transaction ou pas du tout. Ce qui est tenu n'est jamais remplacé : les écarts sont dits. Le numéro de dossier de la plateforme est inscrit à la prescription du cas index qui n'en a pas ; celui d'un autre dossier est refusé. Le corps est une Binary, des Parameters ou le fichier même."]], [["A platform's file (AURAGEN, SPICE, phenopacket, PED, VCF) finds its dossier by case number, library or pseudonym, or by the request asked about; its results are written in one transaction or not at all. What is held is never replaced: differences are told. The platform's case number is written on a proband's request that has none; that of another dossier is refused. The body is a Binary, Parameters, or the file itself."]])
* affectsState = true
* resource = #ServiceRequest
* type = true
* instance = true
* insert Parametre-operation(fichier, in, 1, 1, Binary, [["Le fichier."]], [["The file."]])
* insert Parametre-operation(format, in, 0, 1, code, [["Son format ; absent : reconnu."]], [["Its format; absent: recognised."]])
* insert Parametre-operation(nom, in, 0, 1, string, [["Son nom."]], [["Its name."]])
* insert Parametre-operation(empreinte, in, 0, 1, string, [["Son SHA-256 ; différent : refusé."]], [["Its SHA-256; refused where it differs."]])
* insert Parametre-operation(echantillon, in, 0, 1, string, [["VCF : l'échantillon."]], [["VCF: the sample."]])
* insert Parametre-operation(filtre, in, 0, *, string, [["VCF : FILTER des lignes rendues."]], [["VCF: FILTER of the rows reported."]])
* insert Parametre-operation(marque, in, 0, *, string, [["VCF : clé INFO des lignes rendues."]], [["VCF: INFO key of the rows reported."]])
* insert Parametre-operation(assemblage, in, 0, 1, code, [["VCF : GRCh37 ou GRCh38, quand l'en-tête ne le dit pas."]], [["VCF: GRCh37 or GRCh38, where the header does not tell."]])
* insert Parametre-operation(correspondance, in, 0, *, Reference, [["Qui est désigné : la personne (reference) et son nom dans le fichier (identifier) ; gardé scellé."]], [["Who is meant: the person (reference) and the name in the file (identifier); kept sealed."]])
* insert Parametre-operation(annonce, in, 0, *, Attachment, [["Un grand fichier annoncé : empreinte-sha256, taille-octets, adresse chez un hôte listé ; jamais porté, jamais cherché. Son nom ou son adresse dit de qui il est (librairie, numéro de prélèvement, pseudonyme) ; s'il ne désigne personne, il n'est pas inscrit, et c'est dit."]], [["A large file that is announced: empreinte-sha256, taille-octets, address at a listed host; never carried, never fetched. Its name or address says whose it is (library, sample number, pseudonym); where it names nobody it is not recorded, and that is told."]])
* insert Parametre-operation(dossier, out, 1, 1, Identifier, [["Numéro du dossier trouvé."]], [["Number of the dossier that was found."]])
* insert Parametre-operation(prescription, out, 0, 1, Reference, [["Prescription du cas index."]], [["The proband's request."]])
* insert Parametre-operation(empreinte, out, 1, 1, string, [["SHA-256 du fichier."]], [["SHA-256 of the file."]])
* insert Parametre-operation(ressource, out, 0, *, Reference, [["Ce qui a été écrit."]], [["What was written."]])
* insert Parametre-operation(outcome, out, 1, 1, OperationOutcome, [["Les écarts, les clés inconnues, ce qui manque."]], [["Differences, unknown keys, what lacks."]])

Instance: correspondance
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(correspondance, "Correspondance", "Qui est derrière un pseudonyme", "Who stands behind a pseudonym", [["Les pseudonymes et numéros de librairie des personnes d'un dossier, tels que la passerelle les garde scellés."]], [["The pseudonyms and library numbers of a dossier's people, as the gateway keeps them sealed."]])
* affectsState = false
* resource = #ServiceRequest
* type = false
* instance = true
* insert Groupe(correspondance, 0, *, [["Un pseudonyme."]], [["A pseudonym."]])
* insert Part(personne, 1, 1, Reference, [["La personne."]], [["The person."]])
* insert Part(nom, 1, 1, Identifier, [["Comment les fichiers la désignent."]], [["What files call them."]])
