"""Letters into a folder, for whoever prints and posts them: one PDF each, whole or not there, named by the reminder.

A mark beside it, made before the letter, remembers that it may have been taken out of the folder since.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from connectors.channels.contract import CarrierDeclaration, Fate, Outgoing, Report
from connectors.errors import Absent, Reject, Retry

_MARKS = ".begun"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


class PrintFolder:
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: Outgoing) -> Report:
        """Put one letter into the folder. Retry when the folder cannot be written to."""
        letter, mark = self._paths(message.key)
        if not message.pages:
            raise Reject("there is nothing to print")
        half = letter.with_suffix(".part")
        try:
            mark.parent.mkdir(parents=True, exist_ok=True)
            _write(half, message.pages)
            _write(mark, b"")
        except OSError as error:
            raise Retry(f"the print folder takes nothing: {error.strerror}", after_seconds=60.0) from error
        try:
            half.replace(letter)
        except OSError as error:
            raise Retry(f"the letter may lie in the print folder: {error.strerror}", ambiguous=True) from error
        return Report(message.key, Fate.ACCEPTED, f"{letter.name} in the print folder")

    def find(self, message: Outgoing) -> Report | None:
        """Look whether a letter was put there; Reject where it was begun and is not there (any more)."""
        letter, mark = self._paths(message.key)
        if letter.is_file():
            return Report(message.key, Fate.ACCEPTED, f"{letter.name} in the print folder")
        if mark.is_file():
            raise Reject(f"{letter.name} was put into the print folder or is just being: ask whoever empties it")
        return None

    def look(self, external_id: str) -> Report:
        """Say whether a letter was taken out of the folder: then it counts as on its way."""
        letter, mark = self._paths(external_id)
        if letter.is_file():
            return Report(external_id, Fate.ACCEPTED, f"{letter.name} in the print folder")
        if mark.is_file():
            return Report(external_id, Fate.SENT, "taken out of the print folder")
        raise Absent(f"the print folder never had {letter.name}")

    def _paths(self, key: str) -> tuple[Path, Path]:
        if not _NAME.fullmatch(key):
            raise Reject(f"{key!r} is no name of a file")
        return self._folder / f"{key}.pdf", self._folder / _MARKS / key


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _open(settings: Mapping[str, str], _clock: Callable[[], datetime]) -> PrintFolder:
    return PrintFolder(Path(settings["folder"]))


CARRIER = CarrierDeclaration(name="print", title="Print folder", channel="letter", needs=("folder",), open=_open)
