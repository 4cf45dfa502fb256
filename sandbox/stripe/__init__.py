"""A stateful stand-in of Stripe's API, its OAuth for apps, and its signed events."""

from sandbox.stripe.account import StripeAccount
from sandbox.stripe.api import StripeStandIn

__all__ = ["StripeAccount", "StripeStandIn"]
