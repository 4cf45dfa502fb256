"""Firms that live on their own from a seed: they sell, are paid or not, and err. Their books are the truth."""

from sandbox.life.bookkeeping import BOOKS_OPENED
from sandbox.life.debts import Debt, Fact, Source
from sandbox.life.firm import Discount, Firm, Lateness, Mandate, Offer, Verdict
from sandbox.life.hands import Hands
from sandbox.life.life import Life
from sandbox.life.takings import Takings
from sandbox.life.verdicts import Judge, Objection, Wrong

__all__ = [
    "BOOKS_OPENED",
    "Debt",
    "Discount",
    "Fact",
    "Firm",
    "Hands",
    "Judge",
    "Lateness",
    "Life",
    "Mandate",
    "Objection",
    "Offer",
    "Source",
    "Takings",
    "Verdict",
    "Wrong",
]
