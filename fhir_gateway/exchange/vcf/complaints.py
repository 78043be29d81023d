"""What can be wrong with a VCF file, one of its rows, or a variant that is to be written into one.

Source: VCF 4.0 to 4.5 (samtools/hts-specs), 1.2 meta-information, 1.4 header line, 1.6 data lines, 3, 5 (structural).
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

# --- the whole file: refused

NOT_VCF = Complaint(
    "vcf-not-vcf",
    "structure",
    en="This is no VCF 4: its first line is not ##fileformat=VCFv4.0 to VCFv4.5. Send VCF, plain or bgzip (not BCF).",
    fr="Ce n'est pas du VCF 4 : sa première ligne n'est pas ##fileformat=VCFv4.0 à VCFv4.5. Envoyez du VCF, en clair "
    "ou bgzip (pas de BCF).",
)
VERSION_NEWER = Complaint(
    "vcf-version-newer",
    "not-supported",
    en="The file says {version}; read as 4.5, which is the newest version known here.",
    fr="Le fichier annonce {version} ; lu comme du 4.5, la version la plus récente connue ici.",
    severity="warning",
)
NO_HEADER = Complaint(
    "vcf-no-header",
    "structure",
    en="Line {line}: the header line is not #CHROM POS ID REF ALT QUAL FILTER INFO with tabs between, before the rows.",
    fr="Ligne {line} : la ligne d'en-tête n'est pas #CHROM POS ID REF ALT QUAL FILTER INFO, séparés par des "
    "tabulations, avant les données.",
)
SAMPLE_TWICE = Complaint(
    "vcf-sample-twice",
    "duplicate",
    en="Sample {sample} stands twice in the header line: which column is meant cannot be known.",
    fr="L'échantillon {sample} figure deux fois dans la ligne d'en-tête : on ne peut savoir quelle colonne est visée.",
)
SAMPLE_ABSENT = Complaint(
    "vcf-sample-absent",
    "not-found",
    en="The file has no sample {sample}. It has {count}: {known}. A sample is taken by its name, never by its place.",
    fr="Le fichier n'a pas d'échantillon {sample}. Il en a {count} : {known}. Un échantillon est pris par son nom, "
    "jamais par sa place.",
)
ASSEMBLY_UNKNOWN = Complaint(
    "vcf-assembly-unknown",
    "required",
    en="Neither the request nor the contigs of the file say whether positions are of GRCh37 or GRCh38: say which.",
    fr="Ni la demande ni les contigs du fichier ne disent si les positions sont de GRCh37 ou GRCh38 : précisez-le.",
)
ASSEMBLY_DIFFERS = Complaint(
    "vcf-assembly-differs",
    "conflict",
    en="Positions are announced as {stated}, but contig {contig} of the header is that of {found}.",
    fr="Les positions sont annoncées en {stated}, mais le contig {contig} de l'en-tête est celui de {found}.",
)
CONTIG_LENGTH = Complaint(
    "vcf-contig-length",
    "conflict",
    en="Positions are announced as {stated}, whose contig {contig} has {length} bases; the header says {found}: that "
    "is another assembly (T2T-CHM13, NCBI36 …), which is not read here. Send the calls of GRCh37 or GRCh38.",
    fr="Les positions sont annoncées en {stated}, dont le contig {contig} a {length} bases ; l'en-tête dit {found} : "
    "c'est un autre assemblage (T2T-CHM13, NCBI36 …), qui n'est pas lu ici. Envoyez les appels en GRCh37 ou GRCh38.",
)
TRUNCATED = Complaint(
    "vcf-truncated",
    "incomplete",
    en="The compressed file is cut short or damaged after line {line}: send it whole.",
    fr="Le fichier compressé est tronqué ou endommagé après la ligne {line} : envoyez-le entier.",
)
LINE_TOO_LONG = Complaint(
    "vcf-line-too-long",
    "too-long",
    en="Line {line} is longer than {most} bytes.",
    fr="La ligne {line} dépasse {most} octets.",
)
TOO_MANY = Complaint(
    "vcf-too-many-variants",
    "too-costly",
    en="More than {most} called variants: name the reported ones, by list, FILTER or INFO flag.",
    fr="Plus de {most} variants appelés : désignez ceux du compte rendu, par liste, FILTER ou indicateur INFO.",
)

# --- rows that make no variant

ROW_COLUMNS = Complaint(
    "vcf-row-columns",
    "structure",
    en="Line {line}: {found} columns where the header has {expected}.",
    fr="Ligne {line} : {found} colonnes quand l'en-tête en a {expected}.",
)
ROW_NOT_TEXT = Complaint(
    "vcf-row-not-text",
    "value",
    en="Line {line} is not UTF-8.",
    fr="La ligne {line} n'est pas de l'UTF-8.",
)
ROW_VALUE = Complaint(
    "vcf-row-value",
    "value",
    en="Line {line}: {column} is {value}, which it cannot be.",
    fr="Ligne {line} : {column} vaut {value}, ce qui ne se peut.",
)
CONTIG_UNKNOWN = Complaint(
    "vcf-contig-unknown",
    "not-found",
    en="Line {line}: contig {contig} is no chromosome of {assembly} with a known reference sequence.",
    fr="Ligne {line} : le contig {contig} n'est pas un chromosome de {assembly} à séquence de référence connue.",
)
BEYOND_CONTIG = Complaint(
    "vcf-beyond-contig",
    "value",
    en="Line {line}: position {position} lies beyond contig {contig} of {assembly}, which has {length} bases.",
    fr="Ligne {line} : la position {position} dépasse le contig {contig} de {assembly}, long de {length} bases.",
)
REFERENCE_CALL = Complaint(
    "vcf-reference-call",
    "informational",
    en="Line {line}: genotype {genotype} of the sample has the reference only: no variant.",
    fr="Ligne {line} : le génotype {genotype} de l'échantillon n'a que la référence : pas de variant.",
    severity="information",
)
NO_CALL = Complaint(
    "vcf-no-call",
    "informational",
    en="Line {line}: genotype {genotype} of the sample is no call: no variant.{more}",
    fr="Ligne {line} : le génotype {genotype} de l'échantillon n'est pas un appel : pas de variant.{more}",
    severity="information",
)
NO_GENOTYPE = Complaint(
    "vcf-no-genotype",
    "informational",
    en="Line {line}: the row has no genotype (GT): nothing says which allele the sample has.",
    fr="Ligne {line} : la ligne n'a pas de génotype (GT) : rien ne dit quel allèle porte l'échantillon.",
    severity="information",
)
NO_ALLELE = Complaint(
    "vcf-no-allele",
    "informational",
    en="Line {line}: the allele {allele} names no change of its own (ALT of another row, or any other base).",
    fr="Ligne {line} : l'allèle {allele} ne nomme pas de changement propre (ALT d'une autre ligne, ou toute "
    "autre base).",
    severity="information",
)

# --- variants of which something is left out

HALF_CALL = Complaint(
    "vcf-half-call",
    "incomplete",
    en="Line {line}: genotype {genotype} is called in part: the allelic state is left out.",
    fr="Ligne {line} : le génotype {genotype} n'est appelé qu'en partie : l'état allélique est omis.",
    severity="warning",
)
HAPLOID_AUTOSOME = Complaint(
    "vcf-haploid-autosome",
    "value",
    en="Line {line}: one allele ({genotype}) on chromosome {contig}, which has two: the allelic state is left out.",
    fr="Ligne {line} : un seul allèle ({genotype}) sur le chromosome {contig}, qui en a deux : l'état allélique est "
    "omis.",
    severity="warning",
)
FIELD_LEFT_OUT = Complaint(
    "vcf-field-left-out",
    "value",
    en="Line {line}: {field} is {value}, which it cannot be: left out.",
    fr="Ligne {line} : {field} vaut {value}, ce qui ne se peut : omis.",
    severity="warning",
)
SVTYPE_DIFFERS = Complaint(
    "vcf-svtype-differs",
    "value",
    en="Line {line}: SVTYPE is {svtype}, the alleles {ref} and {alt} say {change}: the alleles are kept.",
    fr="Ligne {line} : SVTYPE vaut {svtype}, les allèles {ref} et {alt} disent {change} : les allèles sont retenus.",
    severity="warning",
)
NOT_HGVS = Complaint(
    "vcf-not-hgvs",
    "value",
    en="Line {line}: {field} is {value}, no HGVS with its reference sequence: left out.",
    fr="Ligne {line} : {field} vaut {value}, qui n'est pas une HGVS avec sa séquence de référence : omis.",
    severity="information",
)
TRANSCRIPTS_SEVERAL = Complaint(
    "vcf-transcripts-several",
    "multiple-matches",
    en="Line {line}: {count} transcripts annotated, none is marked (MANE, PICK, CANONICAL): no HGVS c. is taken.",
    fr="Ligne {line} : {count} transcrits annotés, aucun n'est désigné (MANE, PICK, CANONICAL) : aucune HGVS c. n'est "
    "prise.",
    severity="warning",
)
ALSO_IN_NORMAL = Complaint(
    "vcf-also-in-normal",
    "conflict",
    en="Line {line}: {alt} is called in the normal sample {sample} too: whether it is somatic is left open.",
    fr="Ligne {line} : {alt} est aussi appelé dans l'échantillon normal {sample} : son caractère "
    "somatique reste ouvert.",
    severity="warning",
)
REPORTED_NOT_FOUND = Complaint(
    "vcf-reported-not-found",
    "not-found",
    en="The reported variant {key} is not called in sample {sample} of the file.",
    fr="Le variant rapporté {key} n'est pas appelé dans l'échantillon {sample} du fichier.",
    severity="warning",
)

# --- Observations that cannot be written

NOT_A_VARIANT = Complaint(
    "vcf-not-a-variant",
    "not-supported",
    en="This is no variant that is present (code 69548-6, value LA9633-4): a VCF has no place for it.",
    fr="Ce n'est pas un variant présent (code 69548-6, valeur LA9633-4) : un VCF n'a pas de place pour lui.",
    severity="warning",
)
NO_POSITION = Complaint(
    "vcf-no-position",
    "required",
    en="A row of a VCF needs a position on a chromosome, reference and alternative allele; there is no {missing}.",
    fr="Une ligne de VCF demande un chromosome, une position, les allèles de référence et alternatif ; il manque : "
    "{missing}.",
    severity="warning",
)
ALLELE_UNFIT = Complaint(
    "vcf-allele-unfit",
    "value",
    en="{field} is {value}: a row of a VCF takes bases (ACGTN), and for ALT a symbol or a breakend.",
    fr="{field} vaut {value} : une ligne de VCF prend des bases (ACGTN) et, pour ALT, un symbole ou une jonction.",
    severity="warning",
)
OFF_CONTIG = Complaint(
    "vcf-off-contig",
    "value",
    en="Position {start} to {end} does not lie on chromosome {contig} of {assembly}, which has {length} bases.",
    fr="La position {start} à {end} n'est pas sur le chromosome {contig} de {assembly}, long de {length} bases.",
    severity="warning",
)
OTHER_ASSEMBLY = Complaint(
    "vcf-other-assembly",
    "conflict",
    en="The variant is of {found}, the file of {assembly}: a file has one assembly.",
    fr="Le variant est de {found}, le fichier de {assembly} : un fichier a un seul assemblage.",
    severity="warning",
)
