"""The carriers that messages can be handed to, loaded by name when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from connectors.channels.contract import CarrierDeclaration

_MODULES = {
    "twilio": "connectors.channels.twilio",
    "print": "connectors.channels.print_folder",
    "lob": "connectors.channels.lob",
}

CARRIERS = tuple(_MODULES)


def carrier(name: str) -> CarrierDeclaration:
    """Return what the carrier `name` declares; KeyError for an unknown one."""
    return cast(CarrierDeclaration, import_module(_MODULES[name]).CARRIER)


def carriers_of(channel: str) -> tuple[CarrierDeclaration, ...]:
    """Return the carriers of a channel, in the order in which they are offered."""
    return tuple(each for each in map(carrier, CARRIERS) if each.channel == channel)
