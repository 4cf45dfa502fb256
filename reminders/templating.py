"""Liquid, bounded: templates that users edit can neither run code nor eat time or memory."""

from __future__ import annotations

from collections.abc import Mapping

from liquid import Environment, StrictUndefined
from liquid.exceptions import LiquidError

MAX_SOURCE_CHARACTERS = 20_000
MAX_LOOP_ITERATIONS = 2_000
MAX_OUTPUT_BYTES = 512 * 1024
# Growth needs either a loop, which is bounded, or a filter or tag that multiplies text (replace, append, capture),
# which is left out: a chain of `replace` makes gigabytes in one expression, before any limit on output is asked.
_TAGS = frozenset({"if", "unless", "case", "for", "break", "continue", "comment", "content", "output", "illegal"})
_FILTERS = frozenset({"upcase", "downcase", "capitalize", "default", "strip", "size", "first", "last"})


class TemplateError(ValueError):
    """A template that is wrong, or that exceeds its bounds; the text says which and where."""


class PrintError(TemplateError):
    """A paper that cannot be printed as it should be; the text says why."""


class _BoundedEnvironment(Environment):
    loop_iteration_limit = MAX_LOOP_ITERATIONS
    output_stream_limit = MAX_OUTPUT_BYTES

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        self.tags = {name: tag for name, tag in self.tags.items() if name in _TAGS}
        self.filters = {name: function for name, function in self.filters.items() if name in _FILTERS}


_TEXT = _BoundedEnvironment(undefined=StrictUndefined)
_HTML = _BoundedEnvironment(undefined=StrictUndefined, autoescape=True)


def render_text(source: str, facts: Mapping[str, object]) -> str:
    """Render `source` with `facts` as they are; TemplateError if it is wrong or exceeds a bound."""
    return _render(_TEXT, source, facts)


def render_html(source: str, facts: Mapping[str, object]) -> str:
    """Render `source` with every fact escaped for HTML; TemplateError if it is wrong or exceeds a bound."""
    return _render(_HTML, source, facts)


def _render(environment: Environment, source: str, facts: Mapping[str, object]) -> str:
    if len(source) > MAX_SOURCE_CHARACTERS:
        raise TemplateError(f"a template may have {MAX_SOURCE_CHARACTERS} characters; this one has {len(source)}")
    try:
        return environment.from_string(source).render(**facts)
    except (LiquidError, RecursionError) as error:
        raise TemplateError(f"the template cannot be rendered: {error}") from error
