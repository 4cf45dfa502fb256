"""What a use case refuses, in words for the person who asked."""

from __future__ import annotations

from collections.abc import Callable


class SaidError(Exception):
    """One line for the person who asked. Its `words` have a place such as `%(day)s` for each of its `values`."""

    def __init__(self, words: str, /, **values: object) -> None:
        super().__init__(words % values if values else words)
        self.words = words
        self.values = values

    def said(self, translate: Callable[[str], str]) -> str:
        """Return the line in another language: `translate` gets the words with their places."""
        words = translate(self.words)
        return words % self.values if self.values else words


class InputError(SaidError, ValueError):
    """Input that cannot be used; the text is one line that names the file, the line and the reason."""


class RefusedError(SaidError):
    """What was asked cannot be done now, and nothing was changed; the text says what to do instead."""
