"""`make bench-replies`: how well replies are read, on mails that the rules were not tuned on."""

from __future__ import annotations

import argparse
import time

from benchmarks.replies.confusion import confusion
from benchmarks.replies.mails import Half, mails


def main() -> None:
    """Print the confusion table of one half of the mails, and how right what acts by itself is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", type=Half, choices=list(Half), default=Half.MEASURED)
    chosen = mails(parser.parse_args().half)
    began = time.perf_counter()
    found = confusion(chosen)
    took = (time.perf_counter() - began) / len(chosen)
    print("\n".join([*found.table(), "", *found.precision(), "", found.summary()]))
    print(f"{took * 1000:.1f} ms a mail")


if __name__ == "__main__":
    main()
