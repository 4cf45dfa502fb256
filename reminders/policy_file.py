"""Policies as a file that people edit: YAML, read strictly, each complaint with its line; and written back.

The names of the keys are the form of the file, documented in docs/policies.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

import yaml

from receivables.money import Money, MoneyError
from reminders.contact import ContactLimits
from reminders.early_discount import MAX_BASIS_POINTS, EarlyDiscount, EarlyDiscountError
from reminders.early_discount import MAX_DAYS as MAX_DISCOUNT_DAYS
from reminders.evidence import Channel
from reminders.policy import DunningLevel, DunningPolicy, PolicyError, Tone, numbers
from reminders.policy_book import EVERYONE, REACHING, Choice, PolicyBook, Segment
from reminders.risk import RiskBand

MAX_CHARACTERS = 20_000
MAX_POLICIES = 50
MAX_LEVELS = 12
MAX_DAYS = 3_650
MAX_MESSAGES_A_WEEK = 7
MAX_INDUSTRIES = 50  # in one segment
MAX_SERIES = 50
MAX_EMPLOYEES = 999_999
MAX_NAME_CHARACTERS = 80

_INTEGER = re.compile(r"-?\d{1,6}")
_PER_CENT = re.compile(r"\d{1,3}(\.\d{1,2})?")
_COUNTRY = re.compile(r"[A-Z]{2}")
_TONES, _CHANNELS, _BANDS = tuple(Tone), tuple(Channel), tuple(RiskBand)
_TRUTHS = {"yes": True, "true": True, "no": False, "false": False}
_DEFAULTS = ContactLimits()
T = TypeVar("T")


class PolicyFileError(PolicyError):
    """A file that cannot be followed; the text begins with its line."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")


class _Fields:
    """The keys of one mapping, each taken once; what is left over at the end is unknown."""

    def __init__(self, node: yaml.Node, what: str) -> None:
        if not isinstance(node, yaml.MappingNode):
            raise PolicyFileError(_line(node), f"{what} must be keys with values")
        self.node, self.what = node, what
        self.left: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = _text(key)
            if name in self.left:
                raise PolicyFileError(_line(key), f"{what} has {name!r} twice")
            self.left[name] = value

    def take(self, name: str, read: Callable[[yaml.Node], T]) -> T:
        """Read a key that must be there."""
        if name not in self.left:
            raise PolicyFileError(_line(self.node), f"{self.what} lacks {name!r}")
        return read(self.left.pop(name))

    def take_or(self, name: str, read: Callable[[yaml.Node], T], default: T) -> T:
        """Read a key, or `default` where it is not there."""
        return read(self.left.pop(name)) if name in self.left else default

    def end(self) -> None:
        """PolicyFileError when a key was not asked for."""
        for name, node in self.left.items():
            raise PolicyFileError(_line(node), f"{self.what} has an unknown key {name!r}")


def read_policies(text: str) -> PolicyBook:
    """Read a file's text. PolicyFileError, with the line, for anything that is not exactly of the form."""
    if len(text) > MAX_CHARACTERS:
        raise PolicyFileError(1, f"a file may have {MAX_CHARACTERS} characters; this one has {len(text)}")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise PolicyFileError(mark.line + 1 if mark else 1, f"this is no YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise PolicyFileError(1, f"this is no YAML: {' '.join(str(error).split())[:200]}") from None
    if root is None:
        raise PolicyFileError(1, "the file is empty")
    top = _Fields(root, "the file")
    policies = top.take("policies", lambda node: _list(node, "policies", MAX_POLICIES))
    top.end()
    try:
        return PolicyBook(tuple(_choice(node) for node in policies))
    except PolicyFileError:
        raise
    except PolicyError as error:
        raise PolicyFileError(_line(policies[-1] if policies else root), str(error)) from None


def _choice(node: yaml.Node) -> Choice:
    fields = _Fields(node, "a policy")
    name = fields.take("name", _text)
    fields.what = f"policy {name!r}"
    segment = fields.take_or("for", _segment, EVERYONE)
    levels = fields.take("levels", lambda each: _list(each, "levels", MAX_LEVELS))
    limits = ContactLimits(
        weekly_cap=fields.take_or("messages_a_week", _whole(1, MAX_MESSAGES_A_WEEK), _DEFAULTS.weekly_cap),
        min_days_between=fields.take_or("days_between_messages", _whole(0, MAX_DAYS), _DEFAULTS.min_days_between),
    )
    between = fields.take_or("days_between_levels", _whole(0, MAX_DAYS), 7)
    nothing: Mapping[str, Money] = {}
    least = fields.take_or("minimum", _amounts, nothing)
    discount = fields.take_or("early_discount", _discount, None)
    paid_late = fields.take_or("charge_paid_late", _truth, False)
    fields.end()
    try:
        return Choice(
            segment,
            DunningPolicy(
                name=name,
                version=1,
                levels=_levels(levels),
                limits=limits,
                days_between_levels=between,
                min_amounts=least,
                early_discount=discount,
                charges_paid_late=paid_late,
            ),
        )
    except PolicyFileError:
        raise
    except PolicyError as error:
        raise PolicyFileError(_line(node), str(error)) from None


def _discount(node: yaml.Node) -> EarlyDiscount | None:
    fields = _Fields(node, "'early_discount'")
    nothing: Mapping[str, Money] = {}
    days = fields.take("within_days", _whole(0, MAX_DISCOUNT_DAYS))
    part = fields.take_or("per_cent", _basis_points, 0)
    amounts = fields.take_or("amount", _amounts, nothing)
    at_most = fields.take_or("at_most", _amounts, nothing)
    fields.end()
    try:
        return EarlyDiscount(days, part, amounts, at_most)
    except EarlyDiscountError as error:
        raise PolicyFileError(_line(node), str(error)) from None


def _basis_points(node: yaml.Node) -> int:
    text = _text(node)
    if not _PER_CENT.fullmatch(text) or not 0 < (found := int(Decimal(text) * 100)) <= MAX_BASIS_POINTS:
        most = MAX_BASIS_POINTS // 100
        raise PolicyFileError(_line(node), f"{text!r} is no per cent from 0.01 to {most} with at most two decimals")
    return found


def _levels(nodes: list[yaml.Node]) -> tuple[DunningLevel, ...]:
    found = [_level(place, node) for place, node in enumerate(nodes, 1)]
    counted = zip(numbers([step.after_due_days for step in found]), found, strict=True)
    return tuple(replace(step, level=number) for number, step in counted)


def _level(place: int, node: yaml.Node) -> DunningLevel:
    fields = _Fields(node, f"level {place}")
    found = DunningLevel(
        level=place,
        after_due_days=fields.take("days_after_due", _whole(-MAX_DAYS, MAX_DAYS)),
        tone=fields.take("tone", lambda each: _one_of(_TONES, each)),
        channel=fields.take_or("channel", lambda each: _one_of(_CHANNELS, each), Channel.EMAIL),
        otherwise=fields.take_or("otherwise", lambda each: _one_of(_CHANNELS, each), None),
        needs_approval=fields.take_or("needs_approval", _truth, False),
    )
    fields.end()
    return found


def _segment(node: yaml.Node) -> Segment:
    fields = _Fields(node, "'for'")
    days, channels = _whole(-MAX_DAYS, MAX_DAYS), _some_of(REACHING, "channels")
    conditions: dict[str, Any] = {
        "amount_at_least": _amounts,
        "amount_less_than": _amounts,
        "overdue_at_least": days,
        "overdue_less_than": days,
        "usually_late_at_least": days,
        "usually_late_less_than": days,
        "countries": _countries,
        "risk": _some_of(_BANDS, "risk"),
        "reachable_by": channels,
        "not_reachable_by": channels,
        "industries": lambda each: frozenset(_text(one) for one in _list(each, "industries", MAX_INDUSTRIES)),
        "employees_at_least": _whole(0, MAX_EMPLOYEES),
        "employees_less_than": _whole(1, MAX_EMPLOYEES),
        "numbers_begin_with": lambda each: frozenset(_text(one) for one in _list(each, "numbers", MAX_SERIES)),
    }
    asked = {name: fields.take(name, read) for name, read in conditions.items() if name in fields.left}
    fields.end()
    try:
        found = Segment(**asked)
    except PolicyError as error:
        raise PolicyFileError(_line(node), f"'for': {error}") from None
    if found.is_everyone:
        raise PolicyFileError(_line(node), "'for' names no condition: leave it out where a policy is for everyone")
    return found


def _text(node: yaml.Node) -> str:
    # What was written counts, whatever YAML takes it for: NO is Norway and no truth value, 10 a fine name.
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip() or not node.value.isprintable():
        raise PolicyFileError(_line(node), "a text on one line is expected here")
    if len(node.value) > MAX_NAME_CHARACTERS:
        raise PolicyFileError(_line(node), f"{node.value[:20]}… is longer than {MAX_NAME_CHARACTERS} characters")
    return str(node.value)


def _whole(least: int, most: int) -> Callable[[yaml.Node], int]:
    def read(node: yaml.Node) -> int:
        text = _text(node)
        if not _INTEGER.fullmatch(text) or not least <= int(text) <= most:
            raise PolicyFileError(_line(node), f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return read


def _truth(node: yaml.Node) -> bool:
    text = _text(node)
    if text not in _TRUTHS:
        raise PolicyFileError(_line(node), f"{text!r} is neither yes nor no")
    return _TRUTHS[text]


E = TypeVar("E", Tone, Channel, RiskBand)


def _one_of(known: Sequence[E], node: yaml.Node) -> E:
    text = _text(node)
    found = next((each for each in known if each.value == text), None)
    if found is None:
        values = ", ".join(each.value for each in known)
        raise PolicyFileError(_line(node), f"{text!r} is not one of {values}")
    return found


def _some_of(known: Sequence[E], what: str) -> Callable[[yaml.Node], frozenset[E]]:
    return lambda node: frozenset(_one_of(known, each) for each in _list(node, what, len(known)))


def _amounts(node: yaml.Node) -> Mapping[str, Money]:
    fields = _Fields(node, "an amount")
    if not fields.left:
        raise PolicyFileError(_line(node), "an amount needs a currency, such as EUR: 100.00")
    found = {}
    for code, value in fields.left.items():
        try:
            found[code] = Money.parse(_text(value), code)
        except MoneyError as error:
            raise PolicyFileError(_line(value), str(error)) from None
        if found[code].minor <= 0:
            raise PolicyFileError(_line(value), f"{_text(value)} {code} is not more than nothing")
    return found


def _countries(node: yaml.Node) -> frozenset[str]:
    found = [(_line(each), _text(each)) for each in _list(node, "countries", 250)]
    for line, code in found:
        if not _COUNTRY.fullmatch(code):
            raise PolicyFileError(line, f"{code!r} is not a country of two capital letters such as DE")
    return frozenset(code for _, code in found)


def _list(node: yaml.Node, what: str, most: int) -> list[yaml.Node]:
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        raise PolicyFileError(_line(node), f"{what} must be a list, a line with - for each")
    if len(node.value) > most:
        raise PolicyFileError(_line(node), f"{what} may have {most} entries; here are {len(node.value)}")
    return list(node.value)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def write_policies(book: PolicyBook) -> str:
    """The text of a file that reads back as `book`, whose version a file does not hold."""
    content = {"policies": [_choice_facts(choice) for choice in book.choices]}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_style=None)


def _choice_facts(choice: Choice) -> dict[str, Any]:
    policy = choice.policy
    facts: dict[str, Any] = {"name": policy.name}
    if not choice.segment.is_everyone:
        facts["for"] = _segment_facts(choice.segment)
    facts["levels"] = [_level_facts(step) for step in policy.levels]
    facts["messages_a_week"] = policy.limits.weekly_cap
    facts["days_between_messages"] = policy.limits.min_days_between
    facts["days_between_levels"] = policy.days_between_levels
    if policy.min_amounts:
        facts["minimum"] = _amount_facts(policy.min_amounts)
    if policy.early_discount is not None:
        facts["early_discount"] = _discount_facts(policy.early_discount)
    if policy.charges_paid_late:
        facts["charge_paid_late"] = True
    return facts


def _discount_facts(terms: EarlyDiscount) -> dict[str, Any]:
    facts: dict[str, Any] = {"within_days": terms.days}
    if terms.basis_points:
        facts["per_cent"] = str(Decimal(terms.basis_points) / 100)
    for name, amounts in (("amount", terms.amounts), ("at_most", terms.at_most)):
        if amounts:
            facts[name] = _amount_facts(amounts)
    return facts


def _level_facts(step: DunningLevel) -> dict[str, Any]:
    facts: dict[str, Any] = {"days_after_due": step.after_due_days, "tone": step.tone.value}
    facts["channel"] = step.channel.value
    facts |= {} if step.otherwise is None else {"otherwise": step.otherwise.value}
    return facts | ({"needs_approval": True} if step.needs_approval else {})


def _segment_facts(segment: Segment) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "amount_at_least": _amount_facts(segment.amount_at_least),
        "amount_less_than": _amount_facts(segment.amount_less_than),
        "overdue_at_least": segment.overdue_at_least,
        "overdue_less_than": segment.overdue_less_than,
        "usually_late_at_least": segment.usually_late_at_least,
        "usually_late_less_than": segment.usually_late_less_than,
        "countries": sorted(segment.countries),
        "risk": [each.value for each in _BANDS if each in segment.risk],
        "reachable_by": [each.value for each in REACHING if each in segment.reachable_by],
        "not_reachable_by": [each.value for each in REACHING if each in segment.not_reachable_by],
        "industries": sorted(segment.industries),
        "employees_at_least": segment.employees_at_least,
        "employees_less_than": segment.employees_less_than,
        "numbers_begin_with": sorted(segment.numbers_begin_with),
    }
    return {name: value for name, value in facts.items() if value not in (None, {}, [])}


def _amount_facts(amounts: Mapping[str, Money]) -> dict[str, str]:
    return {code: amounts[code].text() for code in sorted(amounts)}
