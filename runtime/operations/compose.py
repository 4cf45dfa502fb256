"""Write the message of a planned reminder for its channel: the words, who writes, and where it leads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from connectors.channels.contract import Outgoing
from receivables.problem import Problem
from reminders.evidence import Channel
from reminders.message import Brand, Links, render
from reminders.policy import Tone
from reminders.schedule import PlannedReminder
from reminders.templating import TemplateError
from reminders.text_message import render_text_message
from reminders.wording import wording
from runtime.app import App
from runtime.operations.setbacks import setbacks
from runtime.operations.short_links import short_link
from runtime.portal_links import PortalLinks
from runtime.store import journal
from runtime.store.connections import Organisation
from runtime.store.copies import own_copies

COPY_BROKEN = "copy_broken"  # why a reminder is held whose words cannot be rendered, and the problem that says so
_LANGUAGES = {"DE": "de", "AT": "de", "FR": "fr", "US": "en-US"}
_LANGUAGE = "en-GB"  # dates that cannot be misread: the day, the month in letters, the year


@dataclass(frozen=True, slots=True)
class Composer:
    """Writes the messages of one organisation in one unit of work."""

    app: App
    db: Connection
    organisation: Organisation
    now: datetime

    def compose(self, reminder_id: str, planned: PlannedReminder, *, country: str | None) -> Outgoing | None:
        """Write the message; None when its words cannot be rendered, and then a person is told why nothing leaves."""
        language = language_of(country)
        write = self._text if planned.channel is Channel.SMS else self._mail
        try:
            return write(reminder_id, planned, language)
        except TemplateError as error:
            self._complain(wording(language).language, planned.level.tone, error)
            return None

    def _mail(self, reminder_id: str, planned: PlannedReminder, language: str) -> Outgoing:
        links = portal_links(self.app, self.organisation.id, planned.recipient_id)
        own = own_copies(self.db, self.organisation.id).get((wording(language).language, planned.level.tone.value))
        message = render(
            reminder=planned,
            brand=brand_of(self.organisation),
            links=links,
            language=language,
            own_copy=own.body if own else None,
            setbacks=setbacks(self.db, self.organisation.id, [line.item_id for line in planned.lines], now=self.now),
        )
        return Outgoing(
            key=reminder_id,
            to=planned.address,
            begun_at=self.now,
            subject=message.subject,
            text=message.text,
            html=message.html,
            unsubscribe_url=links.unsubscribe,
        )

    def _text(self, reminder_id: str, planned: PlannedReminder, language: str) -> Outgoing:
        link = short_link(
            self.app,
            self.db,
            organisation_id=self.organisation.id,
            customer_id=planned.recipient_id,
            reminder_id=reminder_id,
        )
        text = render_text_message(reminder=planned, sender=self.organisation.name, link=link, language=language)
        return Outgoing(key=reminder_id, to=planned.address, begun_at=self.now, subject=text, text=text, mark=link)

    def _complain(self, language: str, tone: Tone, error: TemplateError) -> None:
        text = f"Messages in the tone {tone} ({language}) are held: your own words cannot be rendered: {error}"
        remedy = "Correct the words on the page of messages, or go back to ours."
        problem = Problem(COPY_BROKEN, text, remedy, copy_name(language, tone))
        journal.raise_problem(self.db, organisation_id=self.organisation.id, problem=problem, at=self.now)


def copy_name(language: str, tone: Tone) -> str:
    """Return what a problem calls the words of a tone in a language."""
    return f"{tone} {language}"


def brand_of(organisation: Organisation) -> Brand:
    """Return who writes."""
    return Brand(name=organisation.name, signature=f"Accounts receivable, {organisation.name}")


def language_of(country: str | None) -> str:
    """Return the language that a customer in `country` is written to."""
    return _LANGUAGES.get(country or "", _LANGUAGE)


def portal_links(app: App, organisation_id: str, customer_id: str) -> Links:
    """Return where a message to this customer leads: the customer's own page and its actions."""
    token = PortalLinks(app.settings.encryption_key(), app.clock).link(organisation_id, customer_id)
    page = f"{app.settings.public_url}/p/{token}"
    return Links(
        pay=page,
        portal=page,
        dispute=page,
        promise=page,
        plan=page,
        question=page,
        unsubscribe=f"{page}/unsubscribe",
    )
