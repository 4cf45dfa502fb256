"""Codes of EN 16931 that both syntaxes state."""

from __future__ import annotations

from receivables.invoiced import Tax, TaxCategory

CUSTOMIZATION = "urn:cen.eu:en16931:2017"  # BT-24: the standard itself, without a country's or a network's additions
COMMERCIAL_INVOICE = "380"  # UNTDID 1001
ONE = "C62"  # UN/ECE Recommendation 20: a piece of anything; ledgers keep no units
DISCOUNT = "95"  # UNTDID 5189


def exemption_code(tax: Tax) -> str:
    """Return BT-121, the code of why no tax is charged (VATEX); "" where the list has none for a reason at large."""
    return "VATEX-EU-O" if tax.category is TaxCategory.OUTSIDE else ""
