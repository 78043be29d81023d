"""Messages as French hospitals send them, written for this project, and what each must become: paths and values.

All people are made up; INS stand under the OID for tests (1.2.250.1.213.1.4.10), FINESS begin with 99. What was
expected was written before any of them was converted. A path is FHIRPath, asked of the resources that a message makes.

Source: PAM France 2.11; INS, Référentiel; CI-SIS, "Transmission de documents CDA-R2 en HL7v2"; FR Core 2.2.0;
HL7 v2.5.1, chapters 3, 4, 7, 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.spec.hl7v2_expectations import (
    BASE,
    BIRTH_LIST,
    BIRTH_PLACE,
    DOCUMENT,
    FINESS,
    INSEE,
    MOVEMENT,
    PATIENT,
    RELIABILITY,
    STAY,
)

Values = Mapping[str, tuple[str, ...]]

_FR = "2.5^FRA^2.11|||||FRA|{charset}|FR||2.11^IHE_FRANCE-2.11-PAM"
_INS = "290019900000112^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS^^20240105"
_IPP = "471^^^CHU ESSAI&990000017&N^PI"
_NDA = "2400{n}^^^CHU ESSAI&990000017&N"
_UF = "Pédiatrie^^^^^CHU ESSAI&990000017&N^UF^^^{code}"
_BED = "PED^C1^L{bed}^CHU ESSAI&990000017&N"
_DOCTOR = "99000000025^FICTIF^DARIA^^^DR^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS"
STATUS = f"{PATIENT}.{RELIABILITY}.extension('identityStatus').value.code"
INS = f"{PATIENT}.identifier.where(system = 'urn:oid:1.2.250.1.213.1.4.10')"


@dataclass(frozen=True, slots=True)
class Sent:
    """A message and what it must become. `kinds`: how many resources there are of a type; `codec`: of its bytes;
    `warned`: details of what is told.
    """

    text: str
    values: Values
    kinds: Mapping[str, int] = field(default_factory=dict)
    codec: str = "utf-8"
    warned: tuple[str, ...] = ()

    @property
    def data(self) -> bytes:
        return self.text.encode(self.codec)


def _message(event: str, *segments: str, charset: str = "UNICODE UTF-8", version: str = _FR) -> str:
    head = (
        f"MSH|^~\\&|GAM|CHU ESSAI|PFMG|PFMG|20260302101500||{event}|{event[4:7]}-7|P|{version.format(charset=charset)}"
    )
    return "\r".join((head, *segments, ""))


def _pid(ids: str = f"{_IPP}~{_INS}", name: str = "ÉPREUVE^ZOÉ^ZOÉ MARGUERITE^^^^L", born: str = "19900112",
         sex: str = "F", status: str = "VALI", home: str = "", phone: str = "", account: str = "") -> str:  # fmt: skip
    home = home or "12 rue des Essais^^TESTVILLE^^99001^FRA^H^^99001~^^^^^^BDL^^99002"
    fields = ["PID", "1", "", ids, "", name, "", born, sex, "", "", home, "", phone, "", "", "", "", account]
    fields += [""] * 13 + [status, "20260301090000"]
    return "|".join(fields)


def _pv1(kind: str, n: str = "001", here: str = "1", before: str = "", more: Mapping[int, str] | None = None) -> str:
    fields = ["PV1", "1", kind, _BED.format(bed=here), "R", "", before and _BED.format(bed=before), _DOCTOR] + [""] * 44
    fields[19] = f"{_NDA.format(n=n)}^VN"
    fields[44] = "20260301080000"
    fields[51] = "V"
    for number, value in (more or {}).items():
        fields[number] = value
    return "|".join(fields)


def _zbe(number: str, at: str, action: str, event: str = "", nature: str = "HMS", code: str = "4010") -> str:
    ward = _UF.format(code=code)
    return f"ZBE|{number}^CHU ESSAI^990000017^M|{at}||{action}|N|{event}|{ward}|{ward}|{nature}"


def _evn(at: str = "20260302101000") -> str:
    return f"EVN||{at}||||{at}"


_NO_VISIT = "PV1|1|N"

SENT: Mapping[str, Sent] = {
    # --- identities
    "A28, INS qualified, born abroad, MSSanté, two first names": Sent(
        _message(
            "ADT^A28^ADT_A05", _evn(),
            _pid(name="ÉPREUVE^ZOÉ^ZOÉ MARGUERITE^^^^L~DUFICTIF^ZOÉ^^^^^D",
                 home="12 rue des Essais^Bât. B^TESTVILLE^^99001^FRA^H^^99001~^^^^^^BDL^^99352",
                 phone="^PRN^CP^^^^^^^^^0699000001~^NET^Internet^zoe@exemple.invalid"),
            _NO_VISIT, "ZFD|||Y|N|INSI|20260228|CN",
        ),
        {
            f"{PATIENT}.name.where(use = 'official').family": ("ÉPREUVE",),
            f"{PATIENT}.name.where(use = 'official').{BIRTH_LIST}": ("ZOÉ MARGUERITE",),
            f"{PATIENT}.name.where(use = 'usual').family": ("DUFICTIF",),
            f"{INS}.value": ("290019900000112",),
            f"{INS}.use": ("official",),
            f"{INS}.period.start": ("2024-01-05",),
            STATUS: ("VALI",),
            f"{PATIENT}.{RELIABILITY}.extension('methodCollection').value.code": ("INSI",),
            f"{PATIENT}.{RELIABILITY}.extension('dateCollection').value": ("2026-02-28",),
            f"{PATIENT}.{RELIABILITY}.extension('validationMode').value.code": ("CN",),
            f"{PATIENT}.{BIRTH_PLACE}.{INSEE}.code": ("99352",),
            f"{PATIENT}.address.line": ("12 rue des Essais", "Bât. B"),
            f"{PATIENT}.telecom.value": ("0699000001", "zoe@exemple.invalid"),
            f"{PATIENT}.telecom.system": ("phone", "email"),
            f"{PATIENT}.telecom.use.first()": ("mobile",),
        },
        {"Patient": 1, "Encounter": 0},
    ),
    "A28, provisional, sex and day of birth unknown": Sent(
        _message("ADT^A28^ADT_A05", _evn(), _pid(_IPP, "FICTIVE^ALIX^^^^^L", "19900000", "U", "PROV"), _NO_VISIT),
        {
            f"{PATIENT}.birthDate": ("1990",),
            f"{PATIENT}.gender": ("unknown",),
            STATUS: ("PROV",),
            f"{PATIENT}.identifier.value": ("471",),
            f"{PATIENT}.identifier.system": (f"{FINESS}/990000017",),
        },
        {"Patient": 1, "Encounter": 0},
    ),
    "A31, doubtful and a homonym": Sent(
        _message("ADT^A31^ADT_A05", _evn(), _pid(_IPP, status="PROV~DOUT~HOMD"), _NO_VISIT),
        {STATUS: ("PROV",), f"{PATIENT}.meta.tag.code": ("DOUT", "HOMD")},
        {"Patient": 1},
    ),
    "A31, fictitious: never validated": Sent(
        _message("ADT^A31^ADT_A05", _evn(), _pid(_IPP, status="FICT"), _NO_VISIT),
        {STATUS: ("PROV",), f"{PATIENT}.meta.tag.code": ("FICT",)},
        {"Patient": 1},
    ),
    "A31, INS-NIA, lunar date, born in Testville of whom nobody has the code": Sent(
        _message(
            "ADT^A31^ADT_A05", _evn(),
            _pid(f"{_IPP}~~799019900000133^^^ASIP-SANTE-INS-NIA&1.2.250.1.213.1.4.9&ISO^INS",
                 home="1 place du Test^^TESTVILLE^^99001^FRA^H~^^TESTVILLE^^^FRA^BDL"),
            _NO_VISIT, "ZFD|30^02^1990||N|Y|CV",
        ),
        {
            f"{PATIENT}.identifier.where(system = 'urn:oid:1.2.250.1.213.1.4.9').use": ("temp",),
            f"{PATIENT}.{BIRTH_PLACE}.city": ("TESTVILLE",),
            f"{PATIENT}.address.city": ("TESTVILLE",),
            f"{PATIENT}.{RELIABILITY}.extension('methodCollection').value.code": ("CV",),
        },
        {"Patient": 1},
    ),
    "A40, two numbers go": Sent(
        _message(
            "ADT^A40^ADT_A39", _evn(), _pid(),
            "MRG|472^^^CHU ESSAI&990000017&N^PI~A-9^^^ANCIEN&990000018&N^PI||||||EPREUVE^ZOE^^^^^L",
        ),
        {
            f"{PATIENT}.where(active = false).link.type": ("replaced-by",),
            f"{PATIENT}.where(active = false).identifier.value": ("472", "A-9"),
            f"{PATIENT}.where(active.empty()).link.type": ("replaces",),
            f"{PATIENT}.where(active.empty()).identifier.where(use = 'old').value": ("472", "A-9"),
        },
        {"Patient": 2},
    ),
    "A47, a number is replaced": Sent(
        _message("ADT^A47^ADT_A30", _evn(), _pid(), "MRG|4711^^^CHU ESSAI&990000017&N^PI"),
        {
            f"{PATIENT}.identifier.where(use = 'old').value": ("4711",),
            f"{PATIENT}.identifier.where(use = 'usual').value": ("471",),
        },
        {"Patient": 1},
    ),
    # --- stays and movements
    "A05, a bed is planned": Sent(
        _message(
            "ADT^A05^ADT_A05", _evn(), _pid(account=f"{_NDA.format(n='001')}^AN"), _pv1("I"),
            "PV2|||||||CM|20260310083000|20260315|||Bilan génétique", _zbe("701", "20260310083000", "INSERT"),
        ),
        {
            f"{STAY}.status": ("planned",),
            f"{STAY}.class.code": ("IMP",),
            f"{STAY}.location.where(status = 'planned').count() > 0": ("true",),
            f"{STAY}.reasonCode.text": ("Bilan génétique",),
            f"{MOVEMENT}.status": ("planned",),
            f"{MOVEMENT}.period.start": ("2026-03-10T08:30:00+01:00",),
            "ofType(Account).identifier.value": ("2400001",),
        },
        {"Patient": 1, "Encounter": 2, "Account": 1},
    ),
    "A04, emergencies, came from a home": Sent(
        _message("ADT^A04^ADT_A01", _evn(), _pid(), _pv1("E"), _zbe("702", "20260301080000", "INSERT"), "ZFM|8||5||5"),
        {
            f"{STAY}.status": ("in-progress",),
            f"{STAY}.class.code": ("EMER",),
            f"{STAY}.hospitalization.admitSource.coding.code": ("8", "5"),
        },
        {"Encounter": 2},
    ),
    "A02, from one bed to another": Sent(
        _message("ADT^A02^ADT_A02", _evn(), _pid(), _pv1("I", here="2", before="1"),
                 _zbe("703", "20260302100000", "INSERT", nature="H", code="4020")),
        {
            f"{STAY}.status": ("in-progress",),
            f"{STAY}.location.status.distinct()": ("active", "completed"),
            f"{MOVEMENT}.identifier.value": ("703",),
            f"{MOVEMENT}.identifier.system": (f"{FINESS}/990000017/mouvement",),
            f"{MOVEMENT}.type.coding.code": ("H",),
            "ofType(Organization).where(identifier.value = '4020').name": ("Pédiatrie",),
        },
        {"Encounter": 2},
    ),
    "A03, home, an hour that summer time has": Sent(
        _message("ADT^A03^ADT_A03", _evn("20260601120000"), _pid(),
                 _pv1("I", more={36: "6^Transfert", 45: "20260601120000"}),
                 _zbe("704", "20260601120000", "INSERT", nature="S"), "ZFM||8||7"),
        {
            f"{STAY}.status": ("finished",),
            f"{STAY}.period.end": ("2026-06-01T12:00:00+02:00",),
            f"{STAY}.hospitalization.dischargeDisposition.coding.code": ("6", "7"),
            f"{MOVEMENT}.status": ("finished",),
        },
        {"Encounter": 2},
    ),
    "A11, the admission never was": Sent(
        _message("ADT^A11^ADT_A09", _evn(), _pid(), _pv1("I"), _zbe("701", "20260301080000", "CANCEL")),
        {f"{STAY}.status": ("cancelled",), f"{MOVEMENT}.status": ("entered-in-error",)},
        {"Encounter": 2},
    ),
    "A12, the transfer never was": Sent(
        _message("ADT^A12^ADT_A12", _evn(), _pid(), _pv1("I"), _zbe("703", "20260302100000", "CANCEL")),
        {f"{STAY}.status": ("in-progress",), f"{MOVEMENT}.status": ("entered-in-error",)},
        {"Encounter": 2},
    ),
    "A07, from hospitalised to outpatient": Sent(
        _message("ADT^A07^ADT_A06", _evn(), _pid(), _pv1("O"), _zbe("705", "20260302100000", "INSERT", nature="C")),
        {f"{STAY}.class.code": ("AMB",), f"{STAY}.status": ("in-progress",), f"{MOVEMENT}.class.code": ("AMB",)},
        {"Encounter": 2},
    ),
    "Z99, a transfer has another hour": Sent(
        _message("ADT^Z99^ADT_A01", _evn(), _pid(), _pv1("I"), _zbe("703", "20260302103000", "UPDATE", "A02")),
        {
            f"{MOVEMENT}.identifier.value": ("703",),
            f"{MOVEMENT}.status": ("in-progress",),
            f"{MOVEMENT}.period.start": ("2026-03-02T10:30:00+01:00",),
            "ofType(MessageHeader).event.system": (f"{BASE}/hl7v2/table/0003",),
        },
        {"Encounter": 2},
    ),
    "A01, opposed to feeding the DMP, a status of work that nobody maps": Sent(
        _message("ADT^A01^ADT_A01", _evn(), _pid(), _pv1("I"), _zbe("706", "20260301080000", "INSERT"),
                 "ZFA|ACTIF|20260301080000|||||||IO|20260301080000|NA", "ZFP|1|42"),
        {
            "ofType(Consent).policyRule.text": ("Dossier médical partagé : alimentation",),
            "ofType(Consent).provision.type": ("deny",),
        },
        {"Consent": 1},
    ),
    # --- orders, results, documents, consents
    "OML, of a genome, by LOINC and by its préindication": Sent(
        _message(
            "OML^O21^OML_O21", _pid(), _pv1("O"),
            f"ORC|NW|P-9^CHU ESSAI^990000017^M||G-9^CHU ESSAI^990000017^M|||||20260302100000|||{_DOCTOR}",
            "OBR|1|P-9^CHU ESSAI^990000017^M||wgs-solo^Génome^PFMG-EXAMEN^86206-0^Whole genome^LN|R||||||||"
            "HP:0001250^Crise^HPO~Retard de langage||||||||||||||||||F-45^Troubles^PFMG-FILIERE",
            "OBX|1|CE|HP:0001250^Crise épileptique^HPO||Y||||||O|||20260301",
            "SPM|1|T-9&CHU ESSAI&990000017&M||BLD^Sang^HL70487|||||||||||||20260302091500",
            "OBX|1|NM|11572-5^Volume^LN||4|mL^^UCUM|||||F|||20260302",
            version="2.5.1|||||FRA|{charset}|FR",
        ),
        {
            "ofType(ServiceRequest).status": ("draft",),
            "ofType(ServiceRequest).code.coding.code": ("wgs-solo", "86206-0"),
            "ofType(ServiceRequest).requisition.value": ("G-9",),
            "ofType(ServiceRequest).note.text": ("Retard de langage",),
            "ofType(Observation).where(code.coding.code = 'HP:0001250').value.coding.code": ("LA9633-4",),
            # What stands after SPM is of the specimen.
            "ofType(Observation).where(code.coding.code = '11572-5').specimen.reference.count()": ("1",),
            "ofType(Observation).where(code.coding.code = 'HP:0001250').specimen.count()": ("0",),
        },
        {"ServiceRequest": 1, "Specimen": 1, "Observation": 2},
    ),
    "ORM, of an examination that is none of genomics, in ISO 8859-15": Sent(
        _message(
            "ORM^O01^ORM_O01", _pid(name="CŒURBON^LÉA^^^^^L"), _pv1("O"),
            f"ORC|NW|P-10^CHU ESSAI^990000017^M|||||1^^^20260305^^R||20260302100000|||{_DOCTOR}",
            "OBR|1|P-10^CHU ESSAI^990000017^M||CARYO^Caryotype^L^29770-5^Karyotype^LN",
            charset="8859/15",
        ),
        {
            f"{PATIENT}.name.family": ("CŒURBON",),
            "ofType(ServiceRequest).status": ("draft",),
            "ofType(ServiceRequest).priority": ("routine",),
            "ofType(ServiceRequest).occurrence.repeat.bounds.start": ("2026-03-05",),
            "ofType(ServiceRequest).code.coding.where(system = 'http://loinc.org').code": ("29770-5",),
        },
        {"ServiceRequest": 1},
        codec="iso8859-15",
    ),
    "ORU, a value under the limit, one that repeats, what it concludes": Sent(
        _message(
            "ORU^R01^ORU_R01", _pid(), _pv1("O"),
            "ORC|RE|P-10^CHU ESSAI^990000017^M|F-10^LABO^990000019^M",
            f"OBR|1|||29770-5^Caryotype^LN|||20260303090000|||||||||{_DOCTOR}||||||20260304100000||LAB|F",
            "OBX|1|NM|2276-4^Ferritine^LN||<5|ug/L^^UCUM|15-150|L|||F|||20260303090000",
            "OBX|2|SN|5048-4^Anticorps^LN||^1^:^80|||N|||F",
            "OBX|3|CWE|48018-6^Gène^LN||1100^BRCA1^HGNC-ID~1101^BRCA2^HGNC-ID||||||F",
            "OBX|4|FT|55110-1^Conclusion^LN||Formule 46,XX\\.br\\sans anomalie||||||F",
        ),
        {
            "ofType(DiagnosticReport).identifier.value": ("P-10", "F-10"),
            "ofType(DiagnosticReport).status": ("final",),
            "ofType(DiagnosticReport).conclusion": ("Formule 46,XX\nsans anomalie",),
            "ofType(DiagnosticReport).issued": ("2026-03-04T10:00:00+01:00",),
            "ofType(Observation).where(code.coding.code = '2276-4').value": ("<5",),
            "ofType(Observation).where(code.coding.code = '2276-4').interpretation.coding.code.first()": ("L",),
            "ofType(Observation).where(code.coding.code = '5048-4').value.denominator.value": ("80",),
            "ofType(Observation).where(code.coding.code = '48018-6').component.value.coding.code": ("1100", "1101"),
        },
        {"DiagnosticReport": 1, "Observation": 4},
    ),
    "MDM, a CDA in base64 that the patient is not to see": Sent(
        _message(
            "MDM^T02^MDM_T02", _evn(), _pid(), _pv1("O"),
            f"TXA|1|11488-4^CR consultation^LN|TX|20260302|||20260302110000||{_DOCTOR}|||"
            "1.2.250.1.999.7.1^^1.2.250.1.999.7^ISO|||||LA||AV",
            "OBX|1|ED|11488-4^CR consultation^LN||^TEXT^XML^Base64^PENsaW5pY2FsRG9jdW1lbnQvPg==||||||F",
            "OBX|2|CE|INVISIBLE_PATIENT^Invisible au patient^MetaDMPMSS||Y^^expandedYes-NoIndicator||||||F",
            version="2.6^FRA^2.1|||||FRA|{charset}|FR||2.1^CISIS_CDA_HL7_V2",
        ),
        {
            f"{DOCUMENT}.type.coding.code": ("11488-4",),
            f"{DOCUMENT}.status": ("current",),
            f"{DOCUMENT}.docStatus": ("final",),
            f"{DOCUMENT}.securityLabel.coding.code": ("INVISIBLE_PATIENT",),
            "ofType(Binary).contentType": ("text/xml",),
        },
        {"DocumentReference": 1, "Binary": 1, "Observation": 0},
    ),
    "ORU, the consent of a child's mother": Sent(
        _message(
            "ORU^R01^ORU_R01", _pid(born="20200112"),
            "CON|1|research^Recherche^L|||Réutilisation des données|||||W|A|20260301|20260302|20260302|20460302||||||||"
            "|ÉPREUVE^MAUD^^^^^L|MTH",
            "OBR|1||F-11^LABO^990000019^M|86206-0^Génome^LN|||||||||||||||||||||F",
        ),
        {
            "ofType(Consent).status": ("active",),
            "ofType(Consent).scope.coding.code": ("research",),
            "ofType(Consent).dateTime": ("2026-03-02",),
            "ofType(Consent).provision.period.end": ("2046-03-02",),
            "ofType(Consent).contained.ofType(RelatedPerson).name.family": ("ÉPREUVE",),
        },
        {"Consent": 1, "DiagnosticReport": 1},
    ),
}  # fmt: skip

# Taken, kept whole, counted: nothing is made of them.
ACCEPTED: Mapping[str, str] = {
    event: _message(f"ADT^{event}^{structure}", _evn(), _pid(), *more)
    for event, structure, more in (
        ("A24", "ADT_A24", (_pid("473^^^CHU ESSAI&990000017&N^PI"),)),
        ("A37", "ADT_A37", (_pid("473^^^CHU ESSAI&990000017&N^PI"),)),
        ("A44", "ADT_A43", ("MRG|471^^^CHU ESSAI&990000017&N^PI||24002^^^CHU ESSAI&990000017&N^AN",)),
        ("A21", "ADT_A21", (_pv1("I"), _zbe("707", "20260302100000", "INSERT"))),
        ("A54", "ADT_A54", (_pv1("I"), _zbe("708", "20260302100000", "INSERT"))),
    )
}
