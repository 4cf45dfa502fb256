"""The send gate as a model: two senders, one customer with two invoices, and money that comes and goes at any moment.

It follows `plan.py`, `send.py`, `gate.py` and `withdraw.py` in `runtime/operations/reminding`. A step is a unit of work
or a call of the channel. The first invoice may be paid and its payment undone, again and again; the second one stays
due. Crashes, lost answers and abandoned reminders have no bound; at most REMINDERS messages are under way at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

REMINDERS = 2
SENDERS = 2
ITEMS = (0, 1)
PAYABLE = 0  # the invoice that money may pay
NOBODY, SPENT = -1, -2  # whose slot it is: free for all, or taken by a message that is under way no more


class Is(Enum):
    """The state of a reminder; `NONE` is room for one."""

    NONE = auto()
    PLANNED = auto()
    SENDING = auto()
    HANDING = auto()
    SENT = auto()
    IN_DOUBT = auto()
    OVER = auto()  # withdrawn, held or failed


class At(Enum):
    """How far a sender has come."""

    REST = auto()
    CLAIMED = auto()
    READY = auto()
    HANDING = auto()
    ANSWERED = auto()


class Says(Enum):
    """What the channel said: `LOST` is an ambiguous Retry, `REFUSED` means that it surely did not leave."""

    NOTHING = auto()
    DONE = auto()
    LOST = auto()
    REFUSED = auto()


class Reminder(NamedTuple):
    is_: Is = Is.NONE
    items: frozenset[int] = frozenset()
    claim: int = 0


class Message(NamedTuple):
    reminder: int
    items: frozenset[int] = frozenset()


class Sender(NamedTuple):
    at: At = At.REST
    claim: int = 0
    messages: tuple[Message, ...] = ()
    says: Says = Says.NOTHING


class State(NamedTuple):
    paid: bool = False
    reminders: tuple[Reminder, ...] = (Reminder(),) * REMINDERS
    slots: tuple[int, ...] = (NOBODY,) * len(ITEMS)
    reached: frozenset[int] = frozenset()  # the items that count as reminded at this level
    left: tuple[int, ...] = (0,) * len(ITEMS)  # how many messages that name the item left
    senders: tuple[Sender, ...] = (Sender(),) * SENDERS
    withdrawing: frozenset[int] | None = None  # the reminders that a payment has found and not changed yet
    names_paid: bool = False  # a message was handed over that names what had been withdrawn


START = State()


@dataclass(frozen=True)
class Rules:
    """What the product relies on; a model without one of these must be found wrong."""

    reserves_slots: bool = True
    claims_before_the_hand_over: bool = True
    a_claim_is_named: bool = True  # else whoever finds it `sending` takes it for its own
    certifies_only_what_is_claimed: bool = True
    names_only_its_own_items: bool = True
    in_doubt_counts_as_reminded: bool = True
    locks_the_organisation: bool = True  # else a payment's unit of work lets others come between its statements


@dataclass(frozen=True)
class SendGate:
    """The steps of the model under `rules`."""

    rules: Rules = Rules()

    def steps(self, state: State) -> Iterator[tuple[str, State]]:
        """Everything that may happen next."""
        for name, after in (*self._money(state), *self._plan(state), *self._time(state)):
            yield name, _plain(after)
        for number, sender in enumerate(state.senders):
            if number and sender == state.senders[number - 1]:
                continue  # senders are alike
            for name, after, moved in self._sender(state, sender):
                senders = (*state.senders[:number], moved, *state.senders[number + 1 :])
                yield name, _plain(after._replace(senders=tuple(sorted(senders, key=_order))))

    # --- money and time

    def _money(self, state: State) -> Iterator[tuple[str, State]]:
        if state.withdrawing is not None:
            yield "the payment is committed", self._withdrawn(state, state.withdrawing)
        elif state.paid:
            yield "the payment is undone", state._replace(paid=False)
        else:
            found = frozenset(
                number
                for number, each in enumerate(state.reminders)
                if each.is_ in (Is.PLANNED, Is.SENDING) and PAYABLE in each.items
            )
            if self.rules.locks_the_organisation:
                yield "a payment comes", self._withdrawn(state, found)
            else:
                yield "a payment comes and finds what to withdraw", state._replace(withdrawing=found)

    def _withdrawn(self, state: State, found: frozenset[int]) -> State:
        state = state._replace(paid=True, withdrawing=None)
        for number in found:
            each = state.reminders[number]
            if state.slots[PAYABLE] == number:
                state = _slot(state, PAYABLE, NOBODY)
            left = each.items - {PAYABLE}
            if not left:
                state = _with(state, number, each._replace(is_=Is.OVER, items=left))
            else:
                is_ = Is.PLANNED if each.is_ is Is.SENDING else each.is_
                state = _with(state, number, each._replace(is_=is_, items=left))
        return state

    def _plan(self, state: State) -> Iterator[tuple[str, State]]:
        for number, each in enumerate(state.reminders):
            if each.is_ is Is.PLANNED:
                state = _with(_released(state, number), number, Reminder())
        due = frozenset(ITEMS) - state.reached - ({PAYABLE} if state.paid else set())
        for number in _free(state) if due else ():
            slots = tuple(SPENT if owner == number else owner for owner in state.slots)
            yield "it is planned", _with(state._replace(slots=slots), number, Reminder(Is.PLANNED, due))
            return

    def _time(self, state: State) -> Iterator[tuple[str, State]]:
        for number, each in enumerate(state.reminders):
            if each.is_ is Is.SENDING:
                yield f"reminder {number} is decided again", _with(state, number, each._replace(is_=Is.PLANNED))
            elif each.is_ is Is.HANDING:
                yield f"reminder {number} goes to a person", self._doubted(state, number)

    # --- a sender

    def _sender(self, state: State, sender: Sender) -> Iterator[tuple[str, State, Sender]]:
        if sender.at is At.REST:
            yield from self._claim(state)
            return
        yield "a sender dies", state, Sender()
        if sender.at is At.CLAIMED:
            yield "the gate lets pass", *self._certified(state, sender, is_fresh=True)
            yield "the ledger cannot be read", *self._certified(state, sender, is_fresh=False)
        elif sender.at is At.READY:
            yield from self._hand_over(state, sender)
        elif sender.at is At.HANDING:
            yield from _channel(state, sender)
        else:
            yield f"{sender.says.name} is recorded", self._recorded(state, sender), _next(sender)

    def _claim(self, state: State) -> Iterator[tuple[str, State, Sender]]:
        used = {each.claim for each in state.reminders} | {each.claim for each in state.senders}
        claim = next(number for number in range(1, len(used) + 2) if number not in used)
        messages = []
        for number, each in enumerate(state.reminders):
            if each.is_ is Is.PLANNED:
                state = _with(state, number, Reminder(Is.SENDING, each.items, claim))
                messages.append(Message(number))
        if messages:
            yield "a sender claims what is planned", state, Sender(At.CLAIMED, claim, tuple(messages))

    def _is_mine(self, state: State, sender: Sender, number: int) -> bool:
        each = state.reminders[number]
        return each.is_ is Is.SENDING and (each.claim == sender.claim or not self.rules.a_claim_is_named)

    def _certified(self, state: State, sender: Sender, *, is_fresh: bool) -> tuple[State, Sender]:
        mine = [
            message.reminder
            for message in sender.messages
            if not self.rules.certifies_only_what_is_claimed or self._is_mine(state, sender, message.reminder)
        ]
        batch = frozenset[int]().union(*(state.reminders[number].items for number in mine))
        due = batch - state.reached - ({PAYABLE} if state.paid else set()) if is_fresh else frozenset[int]()
        passed = []
        for number in mine:
            items = state.reminders[number].items & due
            named = items if self.rules.names_only_its_own_items else due
            fits = bool(named) and (named == due or not self.rules.names_only_its_own_items)
            reserved = self._reserved(state, number, named) if fits else None
            if reserved is None:
                held = state.reminders[number]._replace(is_=Is.OVER)
                state = _with(_released(state, number), number, held)
            else:
                state = _with(reserved, number, reserved.reminders[number]._replace(items=items))
                passed.append(Message(number, named))
        if not passed:
            return state, Sender()
        return state, Sender(At.READY, sender.claim, tuple(passed))

    def _reserved(self, state: State, number: int, items: frozenset[int]) -> State | None:
        for item in items:
            if self.rules.reserves_slots and state.slots[item] not in (NOBODY, number):
                return None
            state = _slot(state, item, number)
        return state

    def _hand_over(self, state: State, sender: Sender) -> Iterator[tuple[str, State, Sender]]:
        number, named = sender.messages[0]
        each = state.reminders[number]
        if self._is_mine(state, sender, number):
            returned = _with(_released(state, number), number, each._replace(is_=Is.PLANNED))
            yield "the evidence is too old", returned, _next(sender)
        elif self.rules.claims_before_the_hand_over:
            yield "it was withdrawn", state, _next(sender)
            return
        withdrawn = state.paid and PAYABLE in named
        claimed = _with(state, number, each._replace(is_=Is.HANDING))
        claimed = claimed._replace(names_paid=state.names_paid or withdrawn)
        yield "the hand-over is claimed", claimed, sender._replace(at=At.HANDING)

    def _recorded(self, state: State, sender: Sender) -> State:
        number = sender.messages[0].reminder
        each = state.reminders[number]
        if sender.says is Says.DONE:
            return _with(state._replace(reached=state.reached | each.items), number, each._replace(is_=Is.SENT))
        if sender.says is Says.LOST:
            return self._doubted(state, number)
        return _with(_released(state, number), number, each._replace(is_=Is.OVER))

    def _doubted(self, state: State, number: int) -> State:
        each = state.reminders[number]
        if self.rules.in_doubt_counts_as_reminded:
            state = state._replace(reached=state.reached | each.items)
        return _with(state, number, each._replace(is_=Is.IN_DOUBT))


def wrong(state: State) -> str | None:
    """Name what may never be."""
    if max(state.left) > 1:
        return "two messages of one level name an invoice"
    return "a message names what was withdrawn before it was handed over" if state.names_paid else None


def good(state: State) -> bool:
    """Whether nothing is under way and each invoice was reminded (or may have been, which a person is told)."""
    under_way = {each.is_ for each in state.reminders} & {Is.PLANNED, Is.SENDING, Is.HANDING}
    at_rest = all(sender.at is At.REST for sender in state.senders) and not under_way
    return at_rest and state.reached == frozenset(ITEMS)


def _channel(state: State, sender: Sender) -> Iterator[tuple[str, State, Sender]]:
    left = tuple(min(count + (item in sender.messages[0].items), 2) for item, count in enumerate(state.left))
    effect = state._replace(left=left)
    for after, says in ((effect, Says.DONE), (effect, Says.LOST), (state, Says.LOST), (state, Says.REFUSED)):
        told = "leaves" if after is effect else "does not leave"
        yield f"the message {told}: {says.name}", after, sender._replace(at=At.ANSWERED, says=says)


def _next(sender: Sender) -> Sender:
    rest = sender.messages[1:]
    return Sender(At.READY, sender.claim, rest) if rest else Sender()


def _free(state: State) -> list[int]:
    """Where a new reminder finds room: its place is nobody's any more."""
    in_hand = {message.reminder for sender in state.senders for message in sender.messages}
    ended = (Is.NONE, Is.SENT, Is.IN_DOUBT, Is.OVER)
    places = [number for number, each in enumerate(state.reminders) if each.is_ in ended]
    return [number for number in places if number not in in_hand or state.reminders[number].is_ is Is.NONE]


def _released(state: State, number: int) -> State:
    return state._replace(slots=tuple(NOBODY if owner == number else owner for owner in state.slots))


def _slot(state: State, item: int, owner: int) -> State:
    return state._replace(slots=(*state.slots[:item], owner, *state.slots[item + 1 :]))


def _with(state: State, number: int, each: Reminder) -> State:
    return state._replace(reminders=(*state.reminders[:number], each, *state.reminders[number + 1 :]))


def _plain(state: State) -> State:
    """The same state in its plainest words: claims are numbered anew, and what is over keeps nothing."""
    numbers = {sender.claim: number for number, sender in enumerate(state.senders, start=1) if sender.claim}
    reminders = tuple(
        Reminder(each.is_, each.items, numbers.get(each.claim, 0))
        if each.is_ is Is.SENDING
        else Reminder(each.is_, each.items if each.is_ in (Is.PLANNED, Is.HANDING) else frozenset())
        for each in state.reminders
    )
    senders = tuple(sender._replace(claim=numbers.get(sender.claim, 0)) for sender in state.senders)
    return state._replace(reminders=reminders, senders=senders)


def _order(sender: Sender) -> tuple[int, tuple[tuple[int, tuple[int, ...]], ...], int, int]:
    messages = tuple((number, tuple(sorted(items))) for number, items in sender.messages)
    return sender.at.value, messages, sender.says.value, sender.claim
