"""What is wrong with a search by words, or keeps it from being answered now.

Source: FHIR R4, Search, "_text, _content"; RESTful API, "search" (too-costly).
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

MODIFIER = Complaint(
    "text-modifier-unsupported",
    "not-supported",
    en="{name} has a modifier, and searches by words take none. Leave it out; words that must not be there are written "
    "NOT word.",
    fr="{name} porte un modificateur, et les recherches par mots n'en prennent pas. Retirez-le ; les mots à exclure "
    "s'écrivent NOT mot.",
)
QUOTE_UNCLOSED = Complaint(
    "text-quote-unclosed",
    "invalid",
    en='In {name} the quotation mark at position {position} is not closed. Close it with "; a comma inside a phrase is '
    "written \\,.",
    fr="Dans {name}, le guillemet à la position {position} n'est pas fermé. Fermez-le avec \" ; une virgule dans une "
    "expression s'écrit \\,.",
)
WORDLESS = Complaint(
    "text-wordless",
    "invalid",
    en="In {name} what stands at position {position} has no letter and no digit to search for. Take it away, or write "
    "a word.",
    fr="Dans {name}, ce qui se trouve à la position {position} n'a ni lettre ni chiffre à chercher. Retirez-le, ou "
    "écrivez un mot.",
)
STAR_MISPLACED = Complaint(
    "text-star-misplaced",
    "invalid",
    en="In {name} the * at position {position} does not stand at the end of a word of at least {least} characters, as "
    "in metast*.",
    fr="Dans {name}, l'* à la position {position} ne termine pas un mot d'au moins {least} caractères, comme dans "
    "metast*.",
)
OPERAND_MISSING = Complaint(
    "text-operand-missing",
    "invalid",
    en='In {name} a word, a "phrase", NOT or ( is expected at position {position}, where {found} stands. Words and, '
    "or, not that are searched for are written in quotation marks.",
    fr='Dans {name}, un mot, une "expression", NOT ou ( est attendu à la position {position}, où se trouve {found}. '
    "Les mots and, or, not que l'on cherche s'écrivent entre guillemets.",
)
PARENTHESIS_UNCLOSED = Complaint(
    "text-parenthesis-unclosed",
    "invalid",
    en="In {name} the ( at position {position} is not closed. Close it with ); inside it alternatives are written with "
    "OR, not with a comma.",
    fr="Dans {name}, la ( à la position {position} n'est pas fermée. Fermez-la avec ) ; à l'intérieur, les "
    "alternatives s'écrivent avec OR et non avec une virgule.",
)
PARENTHESIS_UNOPENED = Complaint(
    "text-parenthesis-unopened",
    "invalid",
    en="In {name} the ) at position {position} closes no (. Take it away, or write the ( it belongs to.",
    fr="Dans {name}, la ) à la position {position} ne ferme aucune (. Retirez-la, ou écrivez la ( qui lui correspond.",
)
TOO_DEEP = Complaint(
    "text-too-deep",
    "too-costly",
    en="In {name} parentheses and NOTs nest deeper than {limit} at position {position}. Write it with fewer of them.",
    fr="Dans {name}, parenthèses et NOT s'emboîtent à plus de {limit} niveaux à la position {position}. Écrivez-le "
    "avec moins d'entre eux.",
)
TOO_MANY_WORDS = Complaint(
    "text-too-many-words",
    "too-costly",
    en="{name} asks for {number} words; this server takes {limit}. Split it into several searches.",
    fr="{name} demande {number} mots ; ce serveur en accepte {limit}. Divisez-le en plusieurs recherches.",
)
BEHIND = Complaint(
    "text-index-behind",
    "too-costly",
    en="The words of too many resources are not indexed yet, so that {name} cannot be answered truly; the index is "
    "being built. Try again in a while, or search by other parameters.",
    fr="Les mots de trop de ressources ne sont pas encore indexés, si bien que {name} ne peut pas recevoir de réponse "
    "juste ; l'index est en construction. Réessayez un peu plus tard, ou cherchez par d'autres paramètres.",
)
BUSY = Complaint(
    "text-index-busy",
    "lock-error",
    en="Another transaction has been writing the index of words for {seconds} seconds. Try again.",
    fr="Une autre transaction écrit dans l'index des mots depuis {seconds} secondes. Réessayez.",
)
