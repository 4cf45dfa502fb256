"""Schematron in a process of its own: each line of input asks [stylesheet, document], each line of output reports."""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import Any

from saxonche import PySaxonProcessor  # type: ignore[import-not-found]


def serve() -> None:
    """Answer until the input ends; each stylesheet is compiled once."""
    with PySaxonProcessor(license=False) as processor:
        xslt = processor.new_xslt30_processor()

        @cache
        def compiled(path: str) -> Any:  # noqa: ANN401 - of a library without types
            return xslt.compile_stylesheet(stylesheet_file=path)

        for line in sys.stdin:
            path, document = json.loads(line)
            node = processor.parse_xml(xml_text=document)
            sys.stdout.write(json.dumps(compiled(path).transform_to_string(xdm_node=node)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    serve()
