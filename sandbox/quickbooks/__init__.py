"""A stand-in for QuickBooks Online: its accounting API, OAuth and CloudEvents webhooks, with the rules that matter."""

from sandbox.quickbooks.books import QuickBooksBooks
from sandbox.quickbooks.standin import QuickBooksStandIn

__all__ = ["QuickBooksBooks", "QuickBooksStandIn"]
