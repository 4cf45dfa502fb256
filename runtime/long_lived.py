"""What lives as long as the process is left out of full garbage collections."""

from __future__ import annotations

import gc

MAX_YOUNG_OBJECTS = (
    50_000  # the collector looks at new objects once there are so many; its own 700 cost a batch a tenth
)


def keep_long_lived() -> None:
    """Let the collector walk no more what was imported and built until now: it pauses a page by 0.15 s otherwise.

    What comes later it looks at less often: matching makes many objects that live until their batch is done.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(MAX_YOUNG_OBJECTS)
