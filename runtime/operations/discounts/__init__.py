"""Discounts for early payment: who is offered one, what came in time, and a person's decision about it."""
