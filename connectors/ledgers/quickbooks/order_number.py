"""The customer's order number: QuickBooks has no such field, so companies name one of the sales forms' own after it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAMES = re.compile(r"(customer('s)? )?(p\.? ?o\.?|purchase order)( ?(number|num|no\.?|#))?", re.IGNORECASE)


def is_order_field(name: str) -> bool:
    """Whether a field of that name keeps the customer's own order number."""
    return _NAMES.fullmatch(name.strip()) is not None


def order_number(item: Mapping[str, Any]) -> str | None:
    """The customer's order number on a sales form: "" when its field is empty, None when it has no such field."""
    for field in item.get("CustomField") or []:
        if is_order_field(str(field.get("Name") or "")):
            return str(field.get("StringValue") or "")
    return None
