"""Looking up a single intent whose answer was lost."""

from __future__ import annotations

from connectors.contract import Connector
from connectors.errors import ConnectorError
from connectors.intents import Done, Intent


def find_one(connector: Connector, intent: Intent) -> Done | None:
    """What a connector finds of one intent; an error is raised."""
    (found,) = connector.find([intent])
    if isinstance(found, ConnectorError):
        raise found
    return found
