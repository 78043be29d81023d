"""What can be wrong with the XML of a resource, and what of a resource XML cannot say.

Source: FHIR R4, XML Representation of Resources; XML 1.0 (5th edition).
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

XML_ENCODING = Complaint(
    "xml-encoding",
    "not-supported",
    "The body is not text in the encoding '{encoding}' that it declares, or that encoding is not read "
    "here; send UTF-8.",
    "Le corps n'est pas du texte dans l'encodage « {encoding} » qu'il déclare, ou cet encodage n'est pas lu ici ; "
    "envoyer de l'UTF-8.",
)
NOT_XML = Complaint(
    "not-xml",
    "structure",
    "The body is not well-formed XML: line {line}, column {column} cannot be read; correct the syntax there.",
    "Le corps n'est pas du XML bien formé : la ligne {line}, colonne {column} est illisible ; "
    "corriger la syntaxe à cet endroit.",
)
XML_DOCTYPE = Complaint(
    "xml-doctype",
    "security",
    "The body has a document type declaration; FHIR XML has none, nor entities of its own. Remove <!DOCTYPE …>.",
    "Le corps a une déclaration de type de document ; le XML de FHIR n'en a pas, ni d'entités propres. "
    "Supprimer <!DOCTYPE …>.",
)
XML_NAMESPACE = Complaint(
    "xml-namespace",
    "structure",
    "<{name}> is in the namespace '{namespace}'; it belongs in '{expected}'.",
    "<{name}> est dans l'espace de noms « {namespace} » ; sa place est dans « {expected} ».",
)
XML_UNKNOWN_ELEMENT = Complaint(
    "xml-unknown-element",
    "structure",
    "{type} has no element <{name}>; remove it, correct its name or carry it in an extension.",
    "{type} n'a pas d'élément <{name}> ; le supprimer, corriger son nom ou le porter dans une extension.",
)
XML_UNKNOWN_ATTRIBUTE = Complaint(
    "xml-unknown-attribute",
    "structure",
    "<{element}> has no attribute '{name}'; remove it.",
    "<{element}> n'a pas d'attribut « {name} » ; le supprimer.",
)
XML_TEXT = Complaint(
    "xml-text",
    "structure",
    "Text stands inside <{element}>, where FHIR has none; put a value into the attribute 'value'.",
    "Du texte se trouve dans <{element}>, où FHIR n'en a pas ; mettre une valeur dans l'attribut « value ».",
)
XML_REPEATED = Complaint(
    "xml-element-repeated",
    "structure",
    "<{name}> does not repeat in {type}; keep one.",
    "<{name}> ne se répète pas dans {type} ; n'en garder qu'un.",
)
XML_ORDER = Complaint(
    "xml-element-order",
    "structure",
    "<{name}> comes too late in {type}: XML elements follow the order of the definition. Move it before <{after}>.",
    "<{name}> vient trop tard dans {type} : les éléments XML suivent l'ordre de la définition. "
    "Le placer avant <{after}>.",
)
XML_EMPTY = Complaint(
    "xml-element-empty",
    "structure",
    "<{name}> has neither a value nor an extension; leave it out instead.",
    "<{name}> n'a ni valeur ni extension ; l'omettre plutôt.",
)
XML_ONE_RESOURCE = Complaint(
    "xml-one-resource",
    "structure",
    "<{name}> holds exactly one resource, and here it holds {count}.",
    "<{name}> contient exactement une ressource, et il en contient ici {count}.",
)
NOT_IN_XML = Complaint(
    "not-in-xml",
    "not-supported",
    "{name} holds the character U+{point}, which XML 1.0 cannot carry; ask for JSON.",
    "{name} contient le caractère U+{point}, que XML 1.0 ne peut pas porter ; demander du JSON.",
)
NARRATIVE_NOT_XML = Complaint(
    "narrative-not-xml",
    "not-supported",
    "The narrative is not a well-formed XHTML <div>, so this resource has no XML form; ask for JSON, or "
    "correct text.div.",
    "Le narratif n'est pas un <div> XHTML bien formé, cette ressource n'a donc pas de forme XML ; demander du JSON, "
    "ou corriger text.div.",
)
