"""Whom a payer pays for: one customer, a group, several, or whoever comes."""

from __future__ import annotations

import pytest

from reconcile.known_payer import SHARED_BY, shares_of


@pytest.mark.parametrize(
    ("times", "parents", "shares"),
    [
        ({}, {}, {}),
        ({"a": 3}, {"a": "p"}, {"a": 1.0}),
        ({"a": 3, "b": 1}, {}, {"a": 0.75, "b": 0.25}),
        ({"a": 3, "b": 1}, {"a": "p", "b": "p"}, {"p": 1.0}),
        ({"p": 3, "b": 1}, {"b": "p"}, {"p": 1.0}),
        ({"a": 3, "b": 1}, {"a": "p"}, {"a": 0.75, "b": 0.25}),
        ({str(at): 1 for at in range(SHARED_BY)}, {}, {}),
        ({str(at): 1 for at in range(SHARED_BY)}, {str(at): "p" for at in range(SHARED_BY)}, {"p": 1.0}),
        ({"a": 97, "b": 1, "c": 1, "d": 1}, {}, {"a": 0.97, "b": 0.01, "c": 0.01, "d": 0.01}),
    ],
)
def test_shares(times: dict[str, int], parents: dict[str, str], shares: dict[str, float]) -> None:
    assert shares_of(times, parents) == pytest.approx(shares)
