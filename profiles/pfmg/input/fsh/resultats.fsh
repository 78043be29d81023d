// Les résultats dérivent de Genomics Reporting 3.0.0 : les composants se reconnaissent à leur code LOINC.

Profile: PfmgDiagnosticReport
Parent: http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/genomic-report
Id: pfmg-diagnostic-report
Title: "Compte rendu"
Description: "Le compte rendu biologique du dossier : le PDF signé fait foi, les résultats structurés peuvent manquer. Un trio a un compte rendu, celui du cas index."
* insert Definition([["Report"]], [["The biological report of the dossier: the signed PDF is the legal report, structured results may be absent. A trio has one report, that of the proband."]])
* obeys pfmg-dr-1 and pfmg-dr-2
* identifier 1..*
* insert Porte(identifier, [["Numéro du compte rendu"]], [["Number of the report"]])
* basedOn 1..*
* insert Porte(basedOn, [["Toutes les prescriptions du dossier"]], [["All prescriptions of the dossier"]])
* insert Porte(status, [["État"]], [["State"]])
* subject 1..1
* subject only Reference(Patient)
* insert Porte(subject, [["Le cas index"]], [["The proband"]])
* insert Porte(effective[x], [["Date de l'analyse"]], [["Date of the analysis"]])
* insert Porte(issued, [["Date de diffusion"]], [["Date of issue"]])
* performer 1..*
* insert Porte(performer, [["Plateforme"]], [["Platform"]])
* insert Porte(resultsInterpreter, [["Biologistes signataires"]], [["Biologists who sign"]])
* specimen 1..*
* insert Porte(specimen, [["Prélèvements analysés"]], [["Specimens analysed"]])
* insert Porte(result, [["Variants, implications, biomarqueurs"]], [["Variants, implications, biomarkers"]])
* insert Porte(conclusion, [["Conclusion"]], [["Conclusion"]])
* insert Porte(conclusionCode, [["Conclusion codée"]], [["Coded conclusion"]])
* insert Porte(presentedForm, [["Le PDF signé"]], [["The signed PDF"]])
* insert Porte(extension[genomic-study], [["Étude génomique"]], [["Genomic study"]])
* insert Porte(extension[recommended-action], [["Suite proposée"]], [["Recommended action"]])
* insert Porte(extension[supporting-info], [["Pièces considérées"]], [["Information considered"]])

Invariant: pfmg-dr-1
* severity = #error
* insert Regle([["Un compte rendu définitif, modifié ou corrigé a un PDF, un signataire et une date de diffusion (presentedForm, resultsInterpreter, issued)."]], [["A final, amended or corrected report has a PDF, a signer and a date of issue (presentedForm, resultsInterpreter, issued)."]])
* expression = "(status = 'final' or status = 'amended' or status = 'corrected') implies (presentedForm.where(contentType = 'application/pdf').exists() and resultsInterpreter.exists() and issued.exists())"

Invariant: pfmg-dr-2
* severity = #error
* insert Regle([["Un compte rendu définitif conclut (conclusion ou conclusionCode)."]], [["A final report concludes (conclusion or conclusionCode)."]])
* expression = "status = 'final' implies (conclusion.exists() or conclusionCode.exists())"

Profile: PfmgVariant
Parent: http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/variant
Id: pfmg-variant
Title: "Variant"
Description: "Un variant trouvé ou recherché. La classe ACMG n'est pas ici mais dans l'implication diagnostique. Une découverte incidente porte l'extension secondary-finding."
* insert Definition([["Variant"]], [["A variant found or looked for. The ACMG class is not here but in the diagnostic implication. An incidental finding carries the extension secondary-finding."]])
* obeys pfmg-var-1 and pfmg-var-2 and pfmg-var-3
* insert Porte(extension[secondary-finding], [["Découverte incidente"]], [["Incidental finding"]])
* subject 1..1
* subject only Reference(Patient)
* insert Porte(subject, [["La personne"]], [["The person"]])
* insert Porte(value[x], [["Présent, absent …"]], [["Present, absent …"]])
* insert Porte(method, [["Méthode (LA26398-0 : séquençage)"]], [["Method (LA26398-0: sequencing)"]])
* insert Porte(specimen, [["Prélèvement"]], [["Specimen"]])
* insert Porte(component[gene-studied], [["Gène (HGNC)"]], [["Gene (HGNC)"]])
* insert Porte(component[representative-coding-hgvs], [["HGVS c., avec son transcrit"]], [["HGVS c., with its transcript"]])
* insert Porte(component[genomic-hgvs], [["HGVS g."]], [["HGVS g."]])
* insert Porte(component[representative-protein-hgvs], [["HGVS p."]], [["HGVS p."]])
* insert Porte(component[representative-transcript-ref-seq], [["Transcrit"]], [["Transcript"]])
* insert Porte(component[genomic-ref-seq], [["Séquence de référence"]], [["Reference sequence"]])
* insert Porte(component[reference-sequence-assembly], [["Assemblage (LA26806-2 : GRCh38)"]], [["Assembly (LA26806-2: GRCh38)"]])
* insert Porte(component[chromosome-identifier], [["Chromosome"]], [["Chromosome"]])
* insert Porte(component[exact-start-end], [["Position"]], [["Position"]])
* insert Porte(component[coordinate-system], [["Système de coordonnées"]], [["Coordinate system"]])
* insert Porte(component[ref-allele], [["Allèle de référence"]], [["Reference allele"]])
* insert Porte(component[alt-allele], [["Allèle alternatif"]], [["Alternative allele"]])
* insert Porte(component[coding-change-type], [["Type de changement (SO)"]], [["Type of change (SO)"]])
* insert Porte(component[cytogenomic-nomenclature], [["ISCN"]], [["ISCN"]])
* insert Porte(component[copy-number], [["Nombre de copies"]], [["Copy number"]])
* insert Porte(component[allelic-state], [["État allélique"]], [["Allelic state"]])
* insert Porte(component[sample-allelic-frequency], [["Fraction allélique (VAF)"]], [["Allelic fraction (VAF)"]])
* insert Porte(component[allelic-read-depth], [["Lectures qui portent le variant"]], [["Reads that support the variant"]])
* insert Porte(component[genomic-source-class], [["Constitutionnel ou somatique"]], [["Germline or somatic"]])
* insert Porte(component[variant-inheritance], [["Transmission"]], [["Inheritance"]])
* insert Porte(component[variation-code], [["Code du variant (ClinVar)"]], [["Code of the variant (ClinVar)"]])

Invariant: pfmg-var-1
* severity = #error
* insert Regle([["Un variant présent est nommé : HGVS, ISCN ou position."]], [["A variant that is present is named: HGVS, ISCN or position."]])
* expression = "value.coding.where(code = 'LA9633-4').exists() implies component.code.coding.where(system = 'http://loinc.org' and (code = '48004-6' or code = '81290-9' or code = '81291-7' or code = '81254-5' or code = '81301-4')).exists()"

Invariant: pfmg-var-2
* severity = #error
* insert Regle([["Une position a un système de coordonnées, et une séquence de référence ou un chromosome et son assemblage."]], [["A position has a coordinate system, and a reference sequence or a chromosome with its assembly."]])
* expression = "component.where(code.coding.where(code = '81254-5').exists()).exists() implies (component.where(code.coding.where(code = '92822-6').exists()).exists() and (component.where(code.coding.where(code = '48013-7').exists()).exists() or (component.where(code.coding.where(code = '48000-4').exists()).exists() and component.where(code.coding.where(code = '62374-4').exists()).exists())))"

Invariant: pfmg-var-3
* severity = #warning
* insert Regle([["Une HGVS c. nomme son transcrit et sa version (NM_, NR_, ENST, LRG_)."]], [["An HGVS c. names its transcript and version (NM_, NR_, ENST, LRG_)."]])
* expression = "component.where(code.coding.where(code = '48004-6').exists()).value.coding.code.all($this.matches('^(N[MR]_[0-9]+[.][0-9]+|ENST[0-9]+[.][0-9]+|LRG_[0-9]+t[0-9]+):[cn][.].+$'))"

Profile: PfmgDiagnosticImplication
Parent: http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/diagnostic-implication
Id: pfmg-diagnostic-implication
Title: "Implication diagnostique"
Description: "Ce qu'un variant veut dire pour la personne : classe ACMG, phénotype attendu, mode de transmission."
* insert Definition([["Diagnostic implication"]], [["What a variant means for the person: ACMG class, phenotype expected, mode of inheritance."]])
* obeys pfmg-imp-1
* insert Porte(extension[secondary-finding], [["Découverte incidente"]], [["Incidental finding"]])
* subject 1..1
* subject only Reference(Patient)
* insert Porte(subject, [["La personne"]], [["The person"]])
* insert Porte(derivedFrom, [["Le variant"]], [["The variant"]])
* insert Porte(component[clinical-significance], [["Classe ACMG, de 1 à 5"]], [["ACMG class, 1 to 5"]])
* insert Porte(component[predicted-phenotype], [["Maladie ou phénotype"]], [["Disease or phenotype"]])
* insert Porte(component[mode-of-inheritance], [["Mode de transmission"]], [["Mode of inheritance"]])

Invariant: pfmg-imp-1
* severity = #error
* insert Regle([["La classe ACMG est un code LOINC : LA6668-3 (5), LA26332-9 (4), LA26333-7 (3), LA26334-5 (2), LA6675-8 (1)."]], [["The ACMG class is a LOINC code: LA6668-3 (5), LA26332-9 (4), LA26333-7 (3), LA26334-5 (2), LA6675-8 (1)."]])
* expression = "component.where(code.coding.where(system = 'http://loinc.org' and code = '53037-8').exists()).value.coding.where(system = 'http://loinc.org').code.all($this in ('LA6668-3' | 'LA26332-9' | 'LA26333-7' | 'LA26334-5' | 'LA6675-8'))"

RuleSet: Biomarqueur
* subject 1..1
* subject only Reference(Patient)
* insert Porte(subject, [["La personne"]], [["The person"]])
* insert Porte(specimen, [["Prélèvement tumoral"]], [["Tumour specimen"]])
* insert Porte(value[x], [["Résultat"]], [["Result"]])
* insert Porte(interpretation, [["Interprétation"]], [["Interpretation"]])

Profile: PfmgTmb
Parent: http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/molecular-biomarker
Id: pfmg-tmb
Title: "Charge mutationnelle (TMB)"
Description: "Mutations par mégabase."
* insert Definition([["Tumour mutational burden (TMB)"]], [["Mutations per megabase."]])
* insert Biomarqueur
* code = $loinc#94076-7
* value[x] only Quantity
* obeys pfmg-tmb-1

Invariant: pfmg-tmb-1
* severity = #error
* insert Regle([["La charge mutationnelle est un nombre de mutations par mégabase, jamais négatif."]], [["The mutational burden is a number of mutations per megabase, never negative."]])
* expression = "(value as Quantity).value.all($this >= 0)"

Profile: PfmgMsi
Parent: http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/molecular-biomarker
Id: pfmg-msi
Title: "Instabilité des microsatellites (MSI)"
Description: "Statut, ou score mesuré."
* insert Definition([["Microsatellite instability (MSI)"]], [["Status, or score measured."]])
* insert Biomarqueur
* code = $loinc#81695-9
* value[x] only CodeableConcept or Quantity

Profile: PfmgHrd
Parent: http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/molecular-biomarker
Id: pfmg-hrd
Title: "Déficit de recombinaison homologue (HRD)"
Description: "Score total, et ses parts (LOH, LST, TAI) en composants ; leurs codes LOINC ne sont pas fixés ici."
* insert Definition([["Homologous recombination deficiency (HRD)"]], [["Total score, and its parts (LOH, LST, TAI) as components; their LOINC codes are not fixed here."]])
* insert Biomarqueur
* code = $ncit#C120465
* value[x] only Quantity or CodeableConcept

Profile: PfmgGenomicStudy
Parent: http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/genomic-study
Id: pfmg-genomic-study
Title: "Étude génomique"
Description: "Les analyses faites pour un dossier : runs, kits, versions des pipelines, couverture."
* insert Definition([["Genomic study"]], [["The analyses made for a dossier: runs, kits, versions of pipelines, coverage."]])
* identifier 1..*
* insert Porte(identifier, [["Numéro de l'analyse à la plateforme"]], [["Number of the analysis at the platform"]])
* basedOn 1..*
* insert Porte(basedOn, [["Prescriptions"]], [["Prescriptions"]])
* insert Porte(status, [["État"]], [["State"]])
* subject only Reference(Patient)
* insert Porte(subject, [["Le cas index"]], [["The proband"]])
* insert Porte(performed[x], [["Date"]], [["Date"]])
* insert Porte(performer, [["Plateforme"]], [["Platform"]])
* insert Porte(extension[genomic-study-analysis], [["Analyses"]], [["Analyses"]])
