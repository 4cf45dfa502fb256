/** The words and figures of the panel: from what Apex tells to what people read. No state, no clock of its own. */

const STATES = { requested: "Asked for", drafted: "Drafted in the ledger", draft: "Draft in the ledger" };
const RECEIPTS = {
    applied: "applied",
    suggested: "waits for a decision",
    unidentified: "purpose unknown",
    returned: "went back to the payer",
    undone: "application taken back",
    in_flight: "on its way"
};
const RISKS = { low: "Low", medium: "Medium", high: "High", unknown: "Unknown" };
const DAY_MILLISECONDS = 86400000;

/** An amount with its currency, in the reader's language. */
export function money(amount, currencyCode, locale) {
    if (amount === undefined || amount === null) {
        return "";
    }
    if (!currencyCode) {
        return new Intl.NumberFormat(locale).format(amount);
    }
    return new Intl.NumberFormat(locale, { style: "currency", currency: currencyCode }).format(amount);
}

/** A day, `2026-11-17`, in the reader's language. */
export function day(iso, locale) {
    if (!iso) {
        return "";
    }
    const [year, month, date] = iso.split("-").map(Number);
    return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }).format(
        new Date(Date.UTC(year, month - 1, date))
    );
}

/** The day that is `days` after `iso`. */
export function daysAfter(iso, days) {
    return new Date(Date.parse(`${iso}T00:00:00Z`) + days * DAY_MILLISECONDS).toISOString().slice(0, 10);
}

/** What stands at the head of the panel. */
export function factsOf(customer, locale) {
    const late = customer.usuallyLate;
    const facts = [
        ["Open", money(customer.balance ?? 0, customer.currencyCode, locale)],
        ["Overdue", money(customer.overdue ?? 0, customer.currencyCode, locale), customer.overdue > 0 ? "late" : ""],
        ["Oldest due date", day(customer.oldestDueOn, locale)],
        ["Last reminder", day(customer.lastContactOn, locale)],
        ["Usually pays", habit(late), late > 30 ? "late" : ""],
        ["Risk", riskOf(customer), customer.risk === "high" ? "late" : ""],
        ["Reminders held", customer.hold]
    ];
    return facts.filter(([, value]) => value).map(([label, value, style = ""]) => ({ label, value, style }));
}

function riskOf({ risk, riskReasons }) {
    if (!risk) {
        return "";
    }
    return riskReasons ? `${RISKS[risk] ?? risk}: ${riskReasons}` : (RISKS[risk] ?? risk);
}

function habit(late) {
    if (late === undefined || late === null) {
        return "";
    }
    if (late === 0) {
        return "on the day";
    }
    return late > 0 ? `${late} days late` : `${-late} days early`;
}

/** The bars of what is open by age, a bar a currency; widths are percents of its sum. */
export function barsOf(ageing, locale) {
    return ageing.map(({ currencyCode, bands }) => {
        const sum = bands.reduce((total, band) => total + band.amount, 0);
        return {
            currencyCode,
            bands: bands.map((band, place) => ({
                label: band.label,
                shows: band.amount > 0,
                text: money(band.amount, currencyCode, locale),
                style: `band age-${place}`,
                mark: `mark age-${place}`,
                width: `width: ${sum ? (100 * band.amount) / sum : 0}%`
            }))
        };
    });
}

/** An invoice as a line; `chosen` is the id of the one whose form is open. */
export function lineOf(invoice, { today, chosen, locale }) {
    const isOpen = invoice.status === "open" && invoice.amount > 0;
    const isPaused = isOpen && Boolean(invoice.pausedUntil) && invoice.pausedUntil >= today;
    const isLate = isOpen && invoice.dueOn < today;
    return {
        id: invoice.id,
        title: invoice.title,
        text: money(invoice.amount, invoice.currencyCode, locale),
        state: stateOf(invoice, { isOpen, isPaused, today, locale }),
        style: isLate && !isPaused ? "state late" : "state",
        canAct: isOpen,
        isPaused,
        isChosen: chosen === invoice.id,
        canSendAgain: isLate && !isPaused,
        againTitle: `Send again the last reminder of ${invoice.title}`,
        promiseTitle: `Log promise to pay ${invoice.title}`,
        pauseTitle: `Pause reminders of ${invoice.title}`,
        resumeTitle: `Resume reminders of ${invoice.title}`
    };
}

function stateOf(invoice, { isOpen, isPaused, today, locale }) {
    if (!isOpen) {
        return STATES[invoice.status] ?? "Credit";
    }
    const parts = [`due ${day(invoice.dueOn, locale)}`];
    if (invoice.disputed) {
        parts.push("contested");
    }
    if (invoice.promisedOn) {
        parts.push(`promised for ${day(invoice.promisedOn, locale)}`);
    }
    if (isPaused) {
        parts.push(`reminders paused through ${day(invoice.pausedUntil, locale)}`);
    } else if (invoice.dueOn < today) {
        parts.push(`${Math.round((Date.parse(today) - Date.parse(invoice.dueOn)) / DAY_MILLISECONDS)} days late`);
    }
    return parts.join(" · ");
}

const TELLERS = {
    receipt: (each, locale) =>
        `${money(each.amount, each.currencyCode, locale)} from ${each.words || "somebody unknown"}: ${
            RECEIPTS[each.state] ?? each.state
        }`,
    reminder: (each) => `Reminder by ${each.state}: ${each.words ?? ""}`,
    instruction: (each) => each.words ?? ""
};

/** A line of the timeline. */
export function happeningOf(each, locale) {
    return { id: each.id, style: each.kind, day: day(each.day, locale), text: TELLERS[each.kind](each, locale) };
}
