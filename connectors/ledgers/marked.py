"""Lines that say of an invoice what happened: each bears a mark, because the same words may be said more than once."""

from __future__ import annotations

from receivables.identity import stable_id

_MARK_CHARACTERS = 8


def marked(text: str, *, key: str, most: int) -> str:
    """Return `text` with a short mark of `key` behind it, cut so that both have at most `most` characters."""
    mark = f" [{stable_id('', key)[1 : _MARK_CHARACTERS + 1]}]"
    room = most - len(mark)
    return (text if len(text) <= room else f"{text[: room - 1]}…") + mark
