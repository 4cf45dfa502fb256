"""What a use case refuses, in words for the person who asked."""

from __future__ import annotations


class InputError(ValueError):
    """Input that cannot be used; the text is one line that names the file, the line and the reason."""


class RefusedError(Exception):
    """What was asked cannot be done now, and nothing was changed; the text says what to do instead."""
