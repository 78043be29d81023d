"""What the pages say themselves, in both languages.

Source: FHIR R4, in the words of its French translation where there is one.
"""

from __future__ import annotations

from typing import Final

from fhir_gateway.guide.said import Language

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "guide": ("Guide des profils", "Guide to the profiles"),
    "contents": ("Sommaire", "Contents"),
    "start": ("Accueil", "Start"),
    "skip": ("Aller au contenu", "Skip to the content"),
    "other": ("Read this page in English", "Lire cette page en français"),
    "ways": ("Navigation", "Navigation"),
    "on_this_page": ("Dans cette page", "On this page"),
    "profiles": ("Profils", "Profiles"),
    "extensions": ("Extensions", "Extensions"),
    "value_sets": ("Jeux de valeurs", "Value sets"),
    "foreign_sets": (
        "Jeux de valeurs d'autres éditeurs, liés par les profils",
        "Value sets of others that the profiles bind to",
    ),
    "code_systems": ("Systèmes de codes", "Code systems"),
    "parameters": ("Paramètres de recherche", "Search parameters"),
    "operations": ("Opérations", "Operations"),
    "statements": ("Exigences par rôle (CapabilityStatement)", "Requirements by role (CapabilityStatement)"),
    "graphs": ("Graphes", "Graphs"),
    "named_by": ("Nommé par les profils", "Named by the profiles"),
    "entries": ("Ce qu'il contient", "What it holds"),
    "request": ("Requête", "Request"),
    "namings": ("Systèmes d'identifiants", "Identifier systems"),
    "naming": ("Système d'identifiants", "Identifier system"),
    "kind": ("Sorte", "Kind"),
    "responsible": ("Donné par", "Given by"),
    "usage": ("Emploi", "Usage"),
    "identifiers": ("Comment le système s'écrit", "How the system is written"),
    "identifier": ("Écriture", "Written as"),
    "preferred_one": ("Préférée", "Preferred"),
    "yes": ("oui", "yes"),
    "no": ("non", "no"),
    "examples": ("Exemples", "Examples"),
    "invariants": ("Invariants", "Invariants"),
    "profile": ("Profil", "Profile"),
    "extension": ("Extension", "Extension"),
    "value_set": ("Jeu de valeurs", "Value set"),
    "code_system": ("Système de codes", "Code system"),
    "parameter": ("Paramètre", "Parameter"),
    "operation": ("Opération", "Operation"),
    "statement": ("Exigences d'un rôle", "Requirements of a role"),
    "graph": ("Graphe", "Graph"),
    "example": ("Exemple", "Example"),
    "invariant": ("Invariant", "Invariant"),
    "canonical": ("Adresse canonique", "Canonical url"),
    "version": ("Version", "Version"),
    "status": ("État", "Status"),
    "publisher": ("Éditeur", "Publisher"),
    "licence": ("Droits", "Copyright"),
    "base": ("Dérive de", "Derived from"),
    "type": ("Type", "Type"),
    "context": ("S'emploie dans", "Used in"),
    "package": ("Paquet", "Package"),
    "differential": ("Ce que le profil change (différentiel)", "What the profile changes (differential)"),
    "snapshot": ("Tous les éléments (snapshot)", "All elements (snapshot)"),
    "element": ("Élément", "Element"),
    "flags": ("Marques", "Flags"),
    "cardinality": ("Card.", "Card."),
    "description": ("Description et contraintes", "Description and constraints"),
    "meaning": ("Sens", "Meaning"),
    "key": ("Clé", "Key"),
    "severity": ("Gravité", "Severity"),
    "error": ("erreur", "error"),
    "warning": ("avertissement", "warning"),
    "rule": ("Règle", "Rule"),
    "expression": ("Expression (FHIRPath)", "Expression (FHIRPath)"),
    "where": ("Où", "Where"),
    "own_invariants": ("Invariants du profil", "Invariants of the profile"),
    "inherited_invariants": ("Invariants hérités", "Inherited invariants"),
    "bindings": ("Liaisons à des jeux de valeurs", "Bindings to value sets"),
    "own_bindings": ("Liaisons du profil", "Bindings of the profile"),
    "inherited_bindings": ("Liaisons héritées", "Inherited bindings"),
    "strength": ("Force", "Strength"),
    "required": ("obligatoire (required)", "required"),
    "extensible": ("extensible", "extensible"),
    "preferred": ("préférée (preferred)", "preferred"),
    "example_strength": ("exemple (example)", "example"),
    "binding": ("Liaison", "Binding"),
    "fixed": ("Valeur fixée", "Fixed value"),
    "pattern": ("Contient au moins", "Contains at least"),
    "sliced_by": ("Tranches par", "Sliced by"),
    "ordered": ("dans cet ordre", "in this order"),
    "none": ("Aucun.", "None."),
    "none_f": ("Aucune.", "None."),
    "legend": (
        "S : l'émetteur qui le connaît l'envoie, le serveur le garde et le rend, le lecteur n'échoue pas dessus. "
        "?! : change le sens de la ressource. Σ : dans le résumé. C : un invariant le contraint. En gris : hérité, "
        "inchangé par ce profil.",
        "S: a sender that knows it sends it, the server keeps and returns it, a reader does not fail on it. ?!: "
        "changes the meaning of the resource. Σ: in the summary. C: an invariant constrains it. In grey: inherited, "
        "unchanged by this profile.",
    ),
    "s": ("à prendre en charge (mustSupport)", "must support"),
    "m": ("modifie le sens", "modifier"),
    "sum": ("dans le résumé", "in the summary"),
    "c": ("contraint par un invariant", "constrained by an invariant"),
    "good": ("Ce qui le respecte", "What keeps it"),
    "bad": ("Ce qui ne le respecte pas", "What breaks it"),
    "good_examples": ("Bons exemples", "Good examples"),
    "bad_examples": ("Exemples fautifs, et leur faute", "Faulty examples, and their fault"),
    "wrong": ("Faute", "Fault"),
    "claims": ("Profils revendiqués", "Profiles claimed"),
    "beside": ("Attendu", "Expected"),
    "json": ("La ressource (JSON)", "The resource (JSON)"),
    "code": ("Code", "Code"),
    "system": ("Système", "System"),
    "french": ("Français", "French"),
    "english": ("Anglais", "English"),
    "definition": ("Définition", "Definition"),
    "properties": ("Propriétés", "Properties"),
    "codes": ("Codes", "Codes"),
    "codes_note": (
        "Un libellé dont la langue n'est pas dite est montré tel que publié, dans la colonne « Anglais ».",
        "A display whose language is not stated stands as published, in the column “English”.",
    ),
    "not_listed": ("Les codes ne sont pas listés ici", "The codes are not listed here"),
    "not_carried": ("(non livré : contenu inconnu ici)", "(not carried: its content is unknown here)"),
    "absent_set": (
        "Ce jeu de valeurs n'est pas livré avec la passerelle : son contenu n'est pas dit ici.",
        "This value set does not come with the gateway: what it holds is not told here.",
    ),
    "listed_of": ("{shown} codes sur {total}.", "{shown} codes of {total}."),
    "used_by": ("Lié par", "Bound by"),
    "composition": ("Composition", "Composition"),
    "include": ("Contient", "Includes"),
    "exclude": ("Sauf", "Except"),
    "whole": ("tous les codes", "all codes"),
    "search": ("Recherche", "Search"),
    "name": ("Nom", "Name"),
    "use": ("Sens d'échange", "Direction"),
    "in": ("Entrée (in)", "Input (in)"),
    "out": ("Sortie (out)", "Output (out)"),
    "documentation": ("Documentation", "Documentation"),
    "called_at": ("S'appelle par", "Called at"),
    "interactions": ("Interactions", "Interactions"),
    "resources": ("Ressources", "Resources"),
    "resource": ("Ressource", "Resource"),
    "supported": ("Profils attendus", "Profiles expected"),
    "target": ("Cible", "Target"),
    "map": ("Comment les profils s'articulent", "How the profiles hang together"),
    "map_note": (
        "Chaque cadre est un type de ressource avec ses profils ; une flèche va de qui réfère à qui est référé, par un "
        "élément à prendre en charge. Survolez ou atteignez un cadre au clavier : ses flèches ressortent. Le tableau "
        "dit la même chose.",
        "Each box is a resource type with its profiles; an arrow goes from what refers to what is referred to, by an "
        "element that must be supported. Point at a box, or reach it by keyboard: its arrows stand out. The table says "
        "the same.",
    ),
    "references": ("Références entre profils", "References between profiles"),
    "by_element": ("Par", "By"),
    "states": ("Machine à états", "State machine"),
    "states_note": (
        "Ce qui n'est pas dans ce tableau est refusé, et le refus nomme ce qui est possible. Il vient de la table même "
        "que le serveur applique.",
        "What is not in this table is refused, and the refusal names what is possible. It comes from the very table "
        "that the server applies.",
    ),
    "states_of": ("États de {type}", "States of {type}"),
    "from": ("De", "From"),
    "to": ("À", "To"),
    "who": ("Par qui", "By whom"),
    "guards": ("Si", "Provided that"),
    "absent": ("(rien)", "(nothing)"),
    "final": ("État final : rien ne suit.", "Final state: nothing follows."),
    "rules": ("Règles du dossier", "Rules of the dossier"),
    "rules_note": (
        "Ce que plusieurs ressources doivent être ensemble. Une lacune n'est rien, avertit ou bloque, selon que le "
        "dossier est un brouillon, qu'on le finalise, ou qu'il court. Ce qu'un constat déduit n'est jamais plus qu'un "
        "avertissement ; ce qui est inconnu n'est pas une règle.",
        "What several resources must be together. A gap is nothing, warns or blocks, as the dossier is a draft, is "
        "finalised, or runs. What is found by inference is never more than a warning; what is unknown is no rule.",
    ),
    "draft": ("Brouillon", "Draft"),
    "finalise": ("Finalisation", "Finalise"),
    "active": ("En cours", "Active"),
    "gravity_none": ("–", "–"),
    "certainty": ("Ce qui est certain, déduit, inconnu", "What is certain, inferred, unknown"),
    "certainty_note": (
        "Ce qu'une source dit peut bloquer. Ce qui est déduit avertit, au plus. Ce qui est inconnu n'est pas règle.",
        "What a source says may block. What is inferred warns, at most. What is unknown is no rule.",
    ),
    "fact": ("Information", "Fact"),
    "unknown_list": ("Inconnu, donc sans règle", "Unknown, hence without a rule"),
    "made": (
        "Ces pages sont faites des définitions elles-mêmes ; rien n'y est écrit deux fois.",
        "These pages are made from the definitions themselves; nothing is written twice.",
    ),
    "contents_of": ("Contenu du graphe", "What the graph gathers"),
    "references_to": ("réfère à", "refers to"),
    "found_by": ("trouvé par", "found by"),
}


def word(name: str, language: Language) -> str:
    """Return a word or a sentence of the pages. Raises: KeyError for one that there is not."""
    french, english = _WORDS[name]
    return french if language == "fr" else english


def colon(language: Language) -> str:
    """Return the colon between a word and what it names."""
    return "\u00a0: " if language == "fr" else ": "
