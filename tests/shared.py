"""Where tests find the outside data and vendor contracts that the project does not copy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared"


def shared_data() -> Path:
    """The folder of outside test data, or skip (fail under CI) with the reason."""
    return _folder("TRUEDUE_DATA", _BESIDE / "data")


def shared_specs() -> Path:
    """The folder of the vendors' contracts, or skip (fail under CI) with the reason."""
    return _folder("TRUEDUE_SPECS", _BESIDE / "specs")


def specs_folder() -> Path:
    """Where the vendors' contracts would be, for tests that can do without."""
    return Path(os.environ.get("TRUEDUE_SPECS", _BESIDE / "specs"))


def unavailable(reason: str) -> None:
    """Skip the calling test for `reason`; with CI=true a missing service or folder fails instead."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"missing under CI: {reason}")
    pytest.skip(reason)


def _folder(variable: str, default: Path) -> Path:
    folder = Path(os.environ.get(variable, default))
    if not folder.is_dir():
        unavailable(f"{folder} is not there (set {variable})")
    return folder
