"""Playing the demo as `make demo ARGS="--headless --json"` does."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.cli.command import TRUEDUE, Result, environment

PLAY_SECONDS = 400  # about 70 on a quiet machine; a busy one shares its cores


def play(folder: Path) -> Result:
    """Play it headless, with its database in `folder`."""
    return subprocess.run(
        [TRUEDUE, "demo", "--headless", "--json", "--folder", str(folder)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PLAY_SECONDS,
        check=False,
    )
