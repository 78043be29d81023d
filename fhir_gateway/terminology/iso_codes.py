"""Codes of countries and currencies that FHIR names without shipping them.

Source: ISO 3166-1 (2, 3 letters and number of each country, its short names; data: `terminology/iso-3166`); ISO 4217
(currencies and funds).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from fhir_gateway.fhir.data_folder import data_folder

FILE = ("iso-3166", "countries.tsv")


class Country(NamedTuple):
    """A country as ISO writes it: three codes, the short names in French and English with the article after them."""

    alpha_2: str
    alpha_3: str
    numeric: str
    french: str
    english: str


@cache
def countries() -> Sequence[Country]:
    """Return all countries, read at the first question. Raises: FileNotFoundError when their file is not there."""
    lines = data_folder("terminology").joinpath(*FILE).read_text(encoding="utf-8").splitlines()
    return tuple(Country(*line.split("\t")) for line in lines if line and not line.startswith("#"))


@cache
def country_codes() -> Mapping[str, Country]:
    """Return the countries by each of their codes: all of two letters, then those of three, then the numbers."""
    return {each[place]: each for place in range(3) for each in countries()}


_CURRENCIES = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF
    CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
    GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP
    LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN
    PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS
    TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XBA XBB XBC XBD XCD
    XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG ZWL
"""

CURRENCIES = frozenset(_CURRENCIES.split())
