"""The command line: each command parses, calls one operation and prints what came of it."""

from __future__ import annotations

from runtime.cli.program import main

__all__ = ["main"]
