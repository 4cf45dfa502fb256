"""Write the message of a planned reminder for its channel: the words, who writes, and where it leads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from urllib.parse import quote

from sqlalchemy import Connection, select

from connectors.channels.contract import Outgoing
from connectors.channels.email import under_name
from receivables.problem import Problem
from reminders.call_script import Told, call_script, dossier
from reminders.evidence import Channel
from reminders.letter import write_letter
from reminders.message import Brand, EarlyPayment, Links, Setback, render
from reminders.own_copy import CopyKind
from reminders.policy import Tone
from reminders.schedule import PlannedReminder
from reminders.templating import PrintError, TemplateError
from reminders.text_message import render_text_message
from reminders.wording import wording
from runtime.app import App
from runtime.operations.discounts.offers import keep_offers, offers_of
from runtime.operations.errors import InputError
from runtime.operations.payers.brand import brand as look_of
from runtime.operations.payers.invoice_formats import wished_format
from runtime.operations.payers.short_links import short_link
from runtime.operations.reaching.by_mail import place_of
from runtime.operations.reaching.contact_language import language_for
from runtime.operations.reaching.letterhead import letterhead, postal_address
from runtime.operations.reminding.setbacks import setbacks
from runtime.operations.reminding.signatures import signature_of
from runtime.operations.reminding.withdraw import SENT
from runtime.store import journal
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.copies import CopyName, own_words

COPY_BROKEN = "copy_broken"  # why a reminder is held whose words cannot be rendered, and the problem that says so
LETTER_BROKEN = "letter_broken"  # a letter that cannot be printed as it should be
MAX_EARLY_SAID = 10  # discounts in one message, of the oldest invoices; the payer's page has them all
MAX_TOLD = 500  # earlier reminders that are written down for whoever takes a debt over


@dataclass(frozen=True, slots=True)
class Composer:
    """Writes the messages of one organisation in one unit of work."""

    app: App
    db: Connection
    organisation: Organisation
    now: datetime
    is_preview: bool = False  # nothing is written down (short links, complaints), and links open nothing

    def compose(
        self, reminder_id: str, planned: PlannedReminder, *, country: str | None, note: str = ""
    ) -> Outgoing | None:
        """Write the message; None when its words cannot be rendered, and then a person is told why nothing leaves.

        `note` is what a person adds to an e-mail for its reader.
        """
        language = language_for(self.db, self.organisation.id, planned.recipient_id, country)
        write = {
            Channel.SMS: self._text,
            Channel.LETTER: self._letter,
            Channel.CALL_TASK: self._script,
            Channel.HAND_OVER: self._dossier,
        }.get(planned.channel, partial(self._mail, note=note))
        try:
            return write(reminder_id, planned, language)
        except TemplateError as error:
            if not self.is_preview:
                self._complain(planned, wording(language).language, error)
            return None

    def country_of(self, customer_id: str) -> str | None:
        """Return the country of a customer, as far as it is known."""
        mine = (t.customer.c.organisation_id == self.organisation.id) & (t.customer.c.id == customer_id)
        return place_of(self.organisation, self.db.scalar(select(t.customer.c.country).where(mine)))[0]

    def _mail(self, reminder_id: str, planned: PlannedReminder, language: str, *, note: str) -> Outgoing:
        links = self._with_files(_with_invoices(self._links(planned.recipient_id), planned), planned)
        message = render(
            reminder=planned,
            brand=brand_of(self.db, self.organisation, planned.level.tone),
            links=links,
            language=language,
            own_copy=self._own_words(CopyKind.EMAIL, language, planned.level.tone),
            setbacks=self._setbacks(planned),
            early=self._early(planned),
            note=note,
        )
        return Outgoing(
            key=reminder_id,
            to=planned.address,
            begun_at=self.now,
            subject=message.subject,
            text=message.text,
            html=message.html,
            from_name=from_name(
                self.organisation.name, signature_of(self.db, self.organisation.id, planned.level.tone)
            ),
            unsubscribe_url=links.unsubscribe,
            follows=self._last_mail(planned),
        )

    def _last_mail(self, planned: PlannedReminder) -> str:
        """The last e-mail to this customer about one of these invoices: this one stands in its thread."""
        sent, named = t.reminder.c, t.reminder_item.c
        last = (
            select(sent.id)
            .join(t.reminder_item, named.reminder_id == sent.id)
            .where(
                sent.organisation_id == self.organisation.id,
                sent.customer_id == planned.recipient_id,
                sent.channel == Channel.EMAIL.value,
                sent.state == SENT,
                named.document_id.in_([line.item_id for line in planned.lines]),
            )
            .order_by(sent.sent_at.desc())
            .limit(1)
        )
        return self.db.scalar(last) or ""

    def _links(self, customer_id: str) -> Links:
        if self.is_preview:
            links = links_to(f"{self.app.settings.public_url}/p/…")
        else:
            links = portal_links(self.app, self.organisation.id, customer_id)
        return links if self.organisation.payers_instalments else replace(links, plan=None)

    def _with_files(self, links: Links, planned: PlannedReminder) -> Links:
        """Lead to each invoice in the format that the customer asked for, where they did."""
        if wished_format(self.db, self.organisation.id, planned.recipient_id) is None:
            return links
        files = {
            line.item_id: f"{links.portal}/invoices/{quote(line.item_id, safe='')}/as/wished" for line in planned.lines
        }
        return replace(links, files=files)

    def _own_words(self, kind: CopyKind, language: str, tone: Tone | None) -> str | None:
        return own_words(self.db, self.organisation.id, (kind, wording(language).language, tone))

    def _setbacks(self, planned: PlannedReminder) -> tuple[Setback, ...]:
        return setbacks(self.db, self.organisation.id, [line.item_id for line in planned.lines], now=self.now)

    def _early(self, planned: PlannedReminder) -> tuple[EarlyPayment, ...]:
        """What is offered for paying early, in a message up to the due date; from then on its reader knows of it."""
        if not planned.level.is_early:
            return ()
        found = offers_of(self.db, self.organisation, [line.item_id for line in planned.lines], now=self.now)
        said = [found[line.item_id] for line in planned.lines if line.item_id in found][:MAX_EARLY_SAID]
        if not self.is_preview:
            keep_offers(self.db, self.organisation.id, said, now=self.now)
        return tuple(
            EarlyPayment(each.document.document.number, each.to_pay, each.offer.amount, each.offer.last_on)
            for each in said
        )

    def _link(self, reminder_id: str, planned: PlannedReminder) -> str:
        if self.is_preview:
            return self._links(planned.recipient_id).portal
        return short_link(
            self.app,
            self.db,
            organisation_id=self.organisation.id,
            customer_id=planned.recipient_id,
            reminder_id=reminder_id,
        )

    def _text(self, reminder_id: str, planned: PlannedReminder, language: str) -> Outgoing:
        link = self._link(reminder_id, planned)
        text = render_text_message(
            reminder=planned,
            sender=self.organisation.name,
            link=link,
            language=language,
            own_copy=self._own_words(CopyKind.TEXT, language, planned.level.tone),
        )
        return Outgoing(key=reminder_id, to=planned.address, begun_at=self.now, subject=text, text=text, mark=link)

    def _letter(self, reminder_id: str, planned: PlannedReminder, language: str) -> Outgoing:
        from reminders.letter_pdf import draw_letter  # noqa: PLC0415 - ReportLab takes a quarter of a second

        head = letterhead(self.db, self.organisation.id)
        recipient = postal_address(self.db, self.organisation.id, planned.recipient_id)
        letter = write_letter(
            reminder=planned,
            brand=brand_of(self.db, self.organisation, planned.level.tone),
            sender=head.sender,
            recipient=recipient,
            account=head.account,
            link=self._link(reminder_id, planned),
            on=self.now.astimezone(self.organisation.zone).date(),
            language=language,
            own_copy=self._own_words(CopyKind.EMAIL, language, planned.level.tone),
            setbacks=self._setbacks(planned),
            early=self._early(planned),
            prints_address=not head.carrier.prints_addresses,
        )
        return Outgoing(
            key=reminder_id,
            to=planned.address,
            begun_at=self.now,
            subject=letter.subject,
            text="\n\n".join((letter.opening, *letter.news, letter.closing)),
            pages=draw_letter(letter, form=head.form),
            recipient=recipient,
            sender=head.sender,
        )

    def _script(self, reminder_id: str, planned: PlannedReminder, language: str) -> Outgoing:
        text = call_script(
            reminder=planned,
            sender=self.organisation.name,
            language=language,
            own_copy=self._own_words(CopyKind.CALL, language, None),
        )
        return Outgoing(key=reminder_id, to=planned.address, begun_at=self.now, subject=_about(planned), text=text)

    def _dossier(self, reminder_id: str, planned: PlannedReminder, _language: str) -> Outgoing:
        text = dossier(
            reminder=planned,
            creditor=self.organisation.name,
            told=self._told([line.item_id for line in planned.lines]),
            on=self.now.astimezone(self.organisation.zone).date(),
        )
        return Outgoing(key=reminder_id, to=planned.address, begun_at=self.now, subject=_about(planned), text=text)

    def _told(self, item_ids: list[str]) -> list[Told]:
        """Every reminder of these invoices that left, the oldest first."""
        item, reminder = t.reminder_item.c, t.reminder.c
        rows = self.db.execute(
            select(t.document.c.number, item.level, reminder.channel, reminder.recipient, reminder.sent_at)
            .join(t.reminder, reminder.id == item.reminder_id)
            .join(t.document, t.document.c.id == item.document_id)
            .where(
                item.organisation_id == self.organisation.id,
                item.document_id.in_(item_ids),
                item.state == SENT,
                reminder.sent_at.is_not(None),
            )
            .order_by(reminder.sent_at, t.document.c.number)
            .limit(MAX_TOLD)
        )
        zone = self.organisation.zone
        return [
            Told(row.number, row.sent_at.astimezone(zone).date(), row.level, row.channel, row.recipient) for row in rows
        ]

    def _complain(self, planned: PlannedReminder, language: str, error: TemplateError) -> None:
        if isinstance(error, PrintError):
            text = f"A letter to {planned.recipient_name} is held: {error}"
            remedy = "Write to them by another channel, or correct the name or address."
            problem = Problem(LETTER_BROKEN, text, remedy, planned.recipient_id)
            journal.raise_problem(self.db, organisation_id=self.organisation.id, problem=problem, at=self.now)
            return
        kind = {Channel.SMS: CopyKind.TEXT, Channel.CALL_TASK: CopyKind.CALL}.get(planned.channel, CopyKind.EMAIL)
        tone = None if kind is CopyKind.CALL else planned.level.tone
        complain(self.db, self.organisation.id, (kind, language, tone), error, at=self.now)


def _about(planned: PlannedReminder) -> str:
    numbers = ", ".join(line.number for line in planned.lines[:3])
    return f"{planned.recipient_name}: {numbers}{' …' if len(planned.lines) > 3 else ''}"


def complain(db: Connection, organisation_id: str, name: CopyName, error: TemplateError, *, at: datetime) -> None:
    """Tell a person that an organisation's own words cannot be rendered, and that what they are for is held."""
    text = f"Messages of {spoken_of(name)} are held: your own words cannot be rendered: {error}"
    remedy = "Correct the words on the page of messages, or go back to ours."
    problem = Problem(COPY_BROKEN, text, remedy, copy_name(name))
    journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=at)


def copy_name(name: CopyName) -> str:
    """Return what a problem calls words."""
    kind, language, tone = name
    return " ".join(each for each in ("" if kind is CopyKind.EMAIL else kind.value, tone or "", language) if each)


def spoken_of(name: CopyName) -> str:
    """Return what people call words: `firm (en)`, `text, firm (en)`, `thanks (en)`."""
    kind, language, tone = name
    what = ", ".join(each for each in ("" if kind is CopyKind.EMAIL else kind.value, tone or "") if each)
    return f"{what} ({language})"


def brand_of(db: Connection, organisation: Organisation, tone: Tone | None = None) -> Brand:
    """Return who writes: in the colour of their pages, from the address that their letters bear, signed as they say."""
    try:
        sender = letterhead(db, organisation.id).sender
        address = ", ".join(sender.lines(home=organisation.country)[1:])
    except (LookupError, InputError):  # letters were never switched on, or say no address any more
        address = ""
    return Brand(
        name=organisation.name,
        signature=signature_of(db, organisation.id, tone),
        postal_address=address,
        colour=look_of(db, organisation.id).colour,
    )


def from_name(organisation: str, signed_by: str) -> str:
    """Return who writes, as a mail program shows it: who signs and for whom."""
    return f"{signed_by}, {organisation}" if signed_by else organisation


def sender_of(app: App, db: Connection, organisation: Organisation) -> str:
    """Return the sender of a message that has no tone: our one address, under the organisation's name."""
    name = from_name(organisation.name, signature_of(db, organisation.id, None))
    return under_name(app.settings.mail_from, name)


def portal_links(app: App, organisation_id: str, customer_id: str) -> Links:
    """Return where a message to this customer leads: the customer's own page and its actions."""
    token = app.portal_links().link(organisation_id, customer_id)
    return links_to(f"{app.settings.public_url}/p/{token}")


def _with_invoices(links: Links, planned: PlannedReminder) -> Links:
    """Lead to the invoice itself, and there to what its payer wants to say, or to each where there are several."""
    pages = {line.item_id: f"{links.portal}/pay/{quote(line.item_id, safe='')}" for line in planned.lines}
    if len(pages) > 1:
        return replace(links, pay_items=pages)
    (page,) = pages.values()
    return replace(links, pay=page, promise=f"{page}#promise", question=f"{page}#ask", dispute=f"{page}#dispute")


def links_to(page: str) -> Links:
    """Return where a message leads whose reader's page is at `page`."""
    return Links(
        pay=page,
        portal=page,
        dispute=page,
        promise=page,
        plan=f"{page}/plan",
        question=page,
        unsubscribe=f"{page}/unsubscribe",
    )
