"""Stripe's way with parameters: nested keys in forms and queries, cursors, time ranges, expansion of ids."""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from sandbox.stripe.account import StripeAccount
from sandbox.stripe.objects import Object
from sandbox.stripe.refusal import Refused

Parameters = dict[str, Any]

DEFAULT_PAGE, MAX_PAGE = 10, 100
MAX_EXPANSION = 4
_KEY = re.compile(r"[^\[\]]+|(?<=\[)(?=\])")
_STORES = {
    "balance_transaction": "balance_transactions",
    "charge": "charges",
    "customer": "customers",
    "failure_balance_transaction": "balance_transactions",
    "latest_charge": "charges",
    "payment_intent": "payment_intents",
    "payment_method": "payment_methods",
    "setup_intent": "setup_intents",
}
_DETAILS = ("applied_to_payment", "unapplied_from_payment")  # each movement of cash has at most one of them
_SOURCES = ("charges", "refunds", "disputes", "payouts")


def nested(pairs: Iterable[tuple[str, str]]) -> Parameters:
    """Turn `a[b][0]=c` into {"a": {"b": ["c"]}}."""
    root: Parameters = {}
    for name, value in pairs:
        keys = _KEY.findall(name)
        here = root
        for key in keys[:-1]:
            here = here.setdefault(key or str(len(here)), {})
            if not isinstance(here, dict):
                raise Refused(f"Invalid parameter: {name}", param=name)
        here[keys[-1] or str(len(here))] = value
    return {key: _listed(value) for key, value in root.items()}


def _listed(value: Any) -> Any:  # noqa: ANN401 - text, list or mapping
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(part) for key, part in value.items()}
    if inner and all(key.isdecimal() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def integer(given: Parameters, name: str) -> int | None:
    """Read a whole number; None when absent."""
    if name not in given:
        return None
    try:
        return int(given[name])
    except (TypeError, ValueError) as error:
        message = f"Invalid integer: {given[name]}"
        raise Refused(message, param=name, code="parameter_invalid_integer") from error


def required(given: Parameters, *names: str) -> None:
    """Refuse a request that lacks a parameter."""
    for name in names:
        if given.get(name) in (None, ""):
            raise Refused(f"Missing required param: {name}.", param=name, code="parameter_missing")


def in_range(moment: int, wanted: Any, name: str) -> bool:  # noqa: ANN401 - text or mapping
    """Tell whether a time fits `created=…` or `created[gte]=…`."""
    bounds = wanted if isinstance(wanted, dict) else {"eq": wanted}
    tests = {
        "eq": lambda bound: moment == bound,
        "gt": lambda bound: moment > bound,
        "gte": lambda bound: moment >= bound,
        "lt": lambda bound: moment < bound,
        "lte": lambda bound: moment <= bound,
    }
    if not set(bounds) <= set(tests):
        raise Refused(f"Invalid {name}", param=name)
    return all(tests[sign](integer(bounds, sign)) for sign in bounds)


def page(rows: list[Object], given: Parameters, *, kind: str, url: str) -> Object:
    """Cut a page, newest first, beside the cursor; `rows` are in order of creation."""
    limit = integer(given, "limit")
    limit = DEFAULT_PAGE if limit is None else limit
    if not 1 <= limit <= MAX_PAGE:
        raise Refused("Invalid integer: limit must be between 1 and 100", param="limit")
    newest_first = sorted(rows, key=lambda row: int(row.get("created") or row["transacted_at"]))[::-1]
    after, before = given.get("starting_after"), given.get("ending_before")
    if after and before:
        raise Refused("Received both starting_after and ending_before parameters.", param="ending_before")
    if before:
        newer = newest_first[: _place(newest_first, before, "ending_before", kind)]
        return _list(newer[-limit:], len(newer) > limit, url)
    start = _place(newest_first, after, "starting_after", kind) + 1 if after else 0
    rest = newest_first[start:]
    return _list(rest[:limit], len(rest) > limit, url)


def _place(rows: list[Object], id: str, param: str, kind: str) -> int:
    for place, row in enumerate(rows):
        if row["id"] == id:
            return place
    raise Refused.missing(kind, id, param=param)


def _list(rows: list[Object], has_more: bool, url: str) -> Object:
    return {"object": "list", "data": rows, "has_more": has_more, "url": url}


def expanded(account: StripeAccount, answer: Object, given: Parameters) -> Object:
    """Replace ids by the objects they name, along each path of `expand`."""
    answer = deepcopy(answer)
    paths = given.get("expand", [])
    for path in paths if isinstance(paths, list) else [paths]:
        names = str(path).split(".")
        if len(names) > MAX_EXPANSION:
            raise Refused(f"You cannot expand more than {MAX_EXPANSION} levels of a property.", param="expand")
        _expand(account, answer, names, str(path))
    return answer


def _expand(account: StripeAccount, here: Any, names: list[str], path: str) -> None:  # noqa: ANN401
    if not names:
        return
    name, *rest = names
    if name == "data" and here.get("object") == "list":
        for row in here["data"]:
            _expand(account, row, rest, path)
        return
    if name == "cash_balance" and here.get("object") == "customer":
        here[name] = account.cash_balance(here["id"])
        return
    if name in _DETAILS:
        if name in here:
            _expand(account, here[name], rest, path)
        return
    if name not in here or (name not in _STORES and name != "source"):
        raise Refused(f"This property cannot be expanded ({path}).", param="expand")
    if isinstance(here[name], str):
        stores = [_STORES[name]] if name in _STORES else _SOURCES
        found = (getattr(account, store).get(here[name]) for store in stores)
        here[name] = deepcopy(next((one for one in found if one is not None), here[name]))
    if here[name] is not None:
        _expand(account, here[name], rest, path)
