"""The seeded truth behind the sandbox, and the sample company that lives in it."""

from sandbox.world.live import LiveEdit, LivePayment
from sandbox.world.model import DEMO_START, Case, Customer, Organisation, TrueInvoice, TrueReceipt
from sandbox.world.score import Score
from sandbox.world.world import World, build_world

__all__ = [
    "DEMO_START",
    "Case",
    "Customer",
    "LiveEdit",
    "LivePayment",
    "Organisation",
    "Score",
    "TrueInvoice",
    "TrueReceipt",
    "World",
    "build_world",
]
