"""What a discount for early payment can be: told to its payer, taken by money and waiting, then granted or refused."""

from __future__ import annotations

OFFERED, WAITING, GRANTED, REFUSED = "offered", "waiting", "granted", "refused"
