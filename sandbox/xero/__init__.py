"""A stand-in for Xero: its accounting API, identity service and webhooks, with the accounting rules that matter."""

from sandbox.xero.books import XeroBooks
from sandbox.xero.standin import XeroStandIn

__all__ = ["XeroBooks", "XeroStandIn"]
