"""Safeguards at the boundaries: organisations, consents, limits, secrets."""

from __future__ import annotations

import logging
from typing import Any

from runtime.simulation.sabotages.sabotage import Sabotage, all_of, doing_nothing, replacing, wrapping


def _one_connector_a_system(real: Any) -> Any:  # noqa: ANN401
    first: dict[str, Any] = {}

    def shared(self: Any, connection: Any) -> Any:  # noqa: ANN401
        return real(self, first.setdefault(connection.system, connection))

    return shared


def _talkative(real: Any) -> Any:  # noqa: ANN401
    def telling(self: Any, consent_id: str, system: str) -> str:  # noqa: ANN401
        token = str(real(self, consent_id, system))
        logging.getLogger("runtime.vendors").info("calling %s with %s", system, token)
        return token

    return telling


SABOTAGES = (
    Sabotage(
        "connector-each",
        "every connection has a connector of its own",
        24,
        wrapping("runtime.vendors.Vendors.connector", _one_connector_a_system),
    ),
    Sabotage(
        "token-kept",
        "a token is renewed only when it is about to end",
        25,
        replacing("runtime.vendors.Vendors._fresh", doing_nothing),
    ),
    Sabotage(
        "consent-lost",
        "a consent that was ended is used no more",
        26,
        all_of(
            replacing("runtime.vendors.lose", doing_nothing),
            replacing("runtime.store.connections.lose", doing_nothing),
        ),
        often={"consent_revoked": 6},
    ),
    Sabotage(
        "told-to-wait",
        "nobody is asked before the time that they told",
        27,
        replacing("connectors.limits.Budget.hold_off", doing_nothing),
    ),
    Sabotage("secrets-not-logged", "no token is logged", 28, wrapping("runtime.vendors.Vendors.token", _talkative)),
)
