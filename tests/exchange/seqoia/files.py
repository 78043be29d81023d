"""A prescription of SPICE in which every key of the schema says something; invented people, invented numbers.

Source: GIP-CAD, ser_client-api, SPICE schema and examples (keys and forms).
"""

from __future__ import annotations

import json
from typing import Any

DAY = 86_400_000
BEGUN = 1_769_904_000_000  # 2026-02-01, midnight UTC
NOON = BEGUN + 43_200_351  # of that day, to the millisecond


def identity(number: str, sex: str, family: str, given: str, born: str) -> dict[str, Any]:
    return {"id": {"type": "IPP", "value": f"IPP-ESSAI-{number}"}, "nom": family, "nom_naissance": family,
            "prenom": given, "sexe": sex, "date_naissance": born}  # fmt: skip


INDEX = identity("1", "F", "ESSAI-PERVENCHE", "Zélie", "1971-04-09")


def variant(**changes: Any) -> dict[str, Any]:
    return {"contig": "17", "pos": 7673793, "Gene_Name": ["TP53"], "Feature_ID": ["ENST00000269305.8"],
            "HGVS_c": "c.827C>G", "HGVS_p": "p.Ala276Gly", "ADN-Tum-VAF": "0.45", "ADN-Tum-AD": "86/191",
            "ARN-Tum-VAF": "0.87", "ARN-Tum-AD": "71/82", "acmg": "3", "census": "tier 1|TSG",
            "status_cnv": ["Normal (1)", "DEL (1)"], **changes}  # fmt: skip


def gleaves() -> dict[str, Any]:
    cnv = {"_id": "9_21134886_26424577", "contig": [9], "start": 21134886, "end": 26424577, "length": 5289691,
           "type": "DEL", "genes": ["CDKN2A", "MTAP"], "census": ["tier 1|TSG", "-"], "nbcopy": 0, "genotype": "0/0",
           "caller": ["facet"], "facet_purity": "0.3815", "facet_infered_ploidy": "2.7163"}  # fmt: skip
    coverage = {"pct_bases_above_20": 95.8, "mean_coverage": 38.61, "pct_callable": 91.06, "q30_bases": 115881973594}
    return {
        "variants": [variant(), variant(contig="X", pos=40073953, acmg="5", Feature_ID=["A", "B"], HGVS_p="p.?")],
        "cnvs": [cnv, {**cnv, "_id": "x", "contig": [20], "type": "DUP", "nbcopy": 8, "genotype": "6/2"}],
        "expansions": [{"gene": "HTT", "repeats": [17, 42], "caller": {"name": "eh"}}],
        "commentaires": "Une remarque.", "conclusion": "Une conclusion.", "nb_samples": 3,
        "metadata": {"facet_purity": "0.3815"},
        "qc_infos": {
            "hrd": {"loh": 10, "lst": 23, "tai": 30, "sum": 63}, "msi": 0.009999999776482582, "tmb": 1.73,
            "qc_values_cancer": {"mean_coverage_wgs_t": 93.15836937442148, "bed_wes_t": "Twist"},
            "qc_values_mr": {"S1": coverage}, "cellularite_inferee": 0.3815, "ploidie_inferee": 2.7163,
        },
    }  # fmt: skip


def unfit() -> dict[str, Any]:
    comment = {"commentaire": "Étiquette reprise.", "from": {"login": "701", "name": "ESSAI A."}, "date": NOON}
    reason = {"id_non_conformite": "nc7", "nc_name": "Étiquette illisible", "type_non_conformite": "tube",
              "date_when_nc_is_register": NOON}  # fmt: skip
    return {
        "no_conformity": {
            "is_no_conformity_blocking": True, "is_nc_donnee_demographique": True, "is_nc_consentement": False,
            "list_of_no_conformities": [{"conformity_info": reason, "nc_commentaires": [comment]}],
            "count_of_nc_conformity": 1, "date_register_of_no_conformity": NOON,
        },
        "is_prescription_not_validated": True,
        "user_who_noted_non_conformity": {"login": "701", "nom": "ESSAI A."},
    }  # fmt: skip


def person() -> dict[str, Any]:
    return {
        "patient": INDEX, "lien": {"key": "patient", "name": "Patient"}, "atteint": True,
        "is_data_reusable_for_research": True, "file_oid": "oid-consent", "filename": "consentement.pdf",
        "filetype": "application/pdf", "dateConsent": NOON, "date_prelevement": BEGUN + DAY,
        "type_prelevement_primaire": "Sang", "id_anon": "77AAA1", "accueilLMG": "701", "date_reception": NOON + DAY,
        "date_reception_constit": NOON + 2 * DAY, "nombre_de_tube_sang": 2,
        "date_when_conformity_is_indicate": NOON + 4 * DAY, "date_when_no_conformity_is_indicate": NOON + 3 * DAY,
        "prelevement_is_no_conform": True, "id_no_conformity": "nc-1", "no_conformity_data": unfit(),
        "sample_is_excluded": False, "is_WES_C": False, "is_prescripteur_are_given_FFPE": False, "isWGSNeeded": True,
        "accueilLMG_constit": "702", "type_de_prelevement_tumoral": "tumeur_congele",
        "provenence_du_prelevement_tumoral": "Hôpital d'essai", "pathologiste_referent": "ESSAI P.",
        "reference_compte_rendu_anatomopathologie": "26B1", "reference_prelevement_tumoral": "26B2",
        "type_histologique": "adénocarcinome", "organe_du_prelevement": "ovaire", "cellularite_tumoral_ou_baste": "40",
        "origine_etat_tumoral": "foie", "etat_tumoral": "metastase",
        "date_reception_du_prelevement_tumoral": NOON + DAY, "date_prelevement_adn": BEGUN, "numero_adn": "FS1",
        "date_reception_adn_tumoral": NOON + 5 * DAY, "type_seq_adn": "WGS-T", "accueilLMG_adn": "701",
        "numero_adn_secondaire": "FS2", "date_reception_adn_tumoral_secondaire": NOON + 5 * DAY,
        "type_seq_adn_secondaire": "WES-T", "numero_arn": "FS3", "date_prelevement_arn": BEGUN + DAY,
        "date_reception_arn_tumoral": NOON + 5 * DAY, "concentration_arn_tumoral": "104", "volume_arn_tumoral": "25",
        "quantite_arn_tumoral": "2600", "valeur_dqn_arn_tumoral": "4", "accueilLMG_arn": "701",
        "dossiersQualif": [{"type": "extraction_qualification", "lib": "Qualification", "dqt_filename": "q.docx",
                            "dqt_filetype": "application/msword", "fileDQT_oid": "oid-dqt",
                            "dateDossier_DQT": NOON + DAY}],
        "resultat_compte_rendu_gleaves": gleaves(),
    }  # fmt: skip


def closure() -> dict[str, Any]:
    said = ("is_nc_orphanet_and_hpo", "is_nc_donneeMed", "is_nc_orphas_up", "is_nc_donneesMed_up",
            "is_post_prescription_discussed", "is_ricb_discussed", "is_concluant", "is_confirmation_variants",
            "is_confirmation_snv", "is_variant_causal", "is_variant_causal_phenotype", "is_prelevement_needed",
            "is_alteration", "is_snv", "is_cnv", "is_fusion", "is_tmb", "is_msi", "is_hrd",
            "is_signature_mutationnelle", "is_alteration_pertinentes_not_identified_previously",
            "is_rcp_discussed")  # fmt: skip
    further = {"is_analyse_de_segregation": True, "is_test_fonctionnel": False, "is_other_investigation": False}
    return {
        **{key: number % 2 == 0 for number, key in enumerate(said)},
        "post_prescription_comment": "Un mot.", "ricb_comment": "Un autre.",
        "variants": [{"name": "v1"}], "variant_structuraux": ["s1"],
        "non_conclusif_info": {
            "is_variant_identified": True, "is_vsi_interet": True, "is_investigation_biologique_complementaire": True,
            "investigation_biologique_complementaire": further,
            "investigation_clinique_complementaire": {"is_investigation_clinique_complementaire": False},
        },
        "resulat_rendu_rcp": {"precision_du_diagnostic_initial": False, "changement_de_diagnostic": False,
                              "theranostique": True, "is_none": False},
        "lmg_name_en_charge": {"login": "541", "nom": "ESSAI L."},
        "biologistes_signataires": [{"login": "541", "nom": "ESSAI L."}, {"login": "542", "nom": "ESSAI M."}],
    }  # fmt: skip


def prescription(**changes: Any) -> dict[str, Any]:
    """Return a prescription of cancer in which everything is said, changed."""
    document = {"type": "ficheRcp", "lib": "Fiche RCP", "filename": "fiche.pdf", "filetype": "application/pdf",
                "file_oid": "oid-rcp"}  # fmt: skip
    result = {"type": "cr_biologique", "lib": "Compte rendu initial", "filename": "cr.pdf",
              "filetype": "application/pdf", "file_oid": "oid-cr", "MembreLMG": "541", "AccueilLMG": "701",
              "date_resultats": NOON + 60 * DAY}  # fmt: skip
    return {
        "_id": "70000000000000000000beef", "pid": 26351, "pid_crc": "77AAA1", "status": "COMPLETED",
        "preindication": {"key": "p2-sp8", "name": "Cancers avancés", "catkey": "p2", "catname": "Cancer",
                          "name_old": "Cancers avancés (ancien)", "rcp_id": "rcp-1", "rcp_nom": "ESSAI-TUMEURS"},
        "patients": [person()],
        "prescripteur": "403",
        "prescripteurs_old": [{"prescripteur_from": "402", "prescripteur_destination": "403", "date_transfert": NOON}],
        "membreRCP": "541", "exam_key": "wesrnaseq", "is_priority": False, "date_creation": NOON, "date": NOON + DAY,
        "date_status_wait_rcp": NOON, "date_debut_wait_consent": NOON + DAY, "dateConsent": NOON + 2 * DAY,
        "dateValidationDossier": NOON + 3 * DAY, "date_debut_wait_analyse": NOON + 20 * DAY,
        "date_debut_wait_lmg": NOON + 40 * DAY, "date_resultats": NOON + 60 * DAY, "date_cloture": NOON + 61 * DAY,
        "date_last_modified": NOON + 62 * DAY,
        "hpos": [{"code": "HP:0001250", "lib": {"fr": "Crises"}}],
        "orphas": [{"code": "ORPHA:213", "lib": "Une maladie",
                    "hpos": [{"code": "HP:0000252", "freq": 0.8, "freq_str": "très fréquent", "lib": "Un signe"}]}],
        "commentaires": [{"commentaire": "À revoir.", "from": {"login": "701", "name": "ESSAI A."}, "date": NOON}],
        "donneesMed": [document, {**document, "type": "anatomopathologiques", "lib": "Anapath", "file_oid": "oid-2"}],
        "resultats": [result, {**result, "lib": "Compte rendu corrigé", "filename": "cr2.pdf", "file_oid": "oid-cr2"}],
        "membreLMG": "541", "dossier_cloture": closure(), "cr_technique": True, "is_cr_readed": True,
        "centreQEX_Id": "qex-1", "hasDateLastModified": 1, "hasDateCreation": 0, "nb_reclamation": 1,
        "analysis_info": {"analysis_ID": "55014", "date_fin_analyse": "08042026",
                          "run_id": {"WGS-T": "260328_A_1", "WTS": "260331_A_2"}},
        **changes,
    }  # fmt: skip


def relative(key: str, name: str, who: dict[str, Any], id_anon: str) -> dict[str, Any]:
    """Return an entry of a relative."""
    return {"patient": who, "lien": {"key": key, "name": name}, "id_anon": id_anon}


def data(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False).encode()
