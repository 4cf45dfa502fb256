import { createElement } from "lwc";
import { refreshApex } from "@salesforce/apex";
import TrueDuePanel from "c/trueDuePanel";
import show from "@salesforce/apex/TrueDuePanel.show";
import tell from "@salesforce/apex/TrueDuePanel.tell";
import promise from "@salesforce/apex/TrueDuePanel.promise";
import ask from "@salesforce/apex/TrueDuePanel.ask";
import print from "@salesforce/apex/TrueDueStatement.print";

jest.mock(
    "@salesforce/apex/TrueDuePanel.show",
    () => {
        const { createApexTestWireAdapter } = require("@salesforce/sfdx-lwc-jest");
        return { default: createApexTestWireAdapter(jest.fn()) };
    },
    { virtual: true }
);
jest.mock("@salesforce/apex/TrueDuePanel.tell", () => ({ default: jest.fn() }), { virtual: true });
jest.mock("@salesforce/apex/TrueDuePanel.promise", () => ({ default: jest.fn() }), { virtual: true });
jest.mock("@salesforce/apex/TrueDuePanel.ask", () => ({ default: jest.fn() }), { virtual: true });
jest.mock("@salesforce/apex/TrueDueStatement.print", () => ({ default: jest.fn() }), { virtual: true });
const mockShown = jest.fn();
jest.mock(
    "lightning/navigation",
    () => {
        const Navigate = Symbol("Navigate");
        const NavigationMixin = (Base) =>
            class extends Base {
                [Navigate](page) {
                    mockShown(page);
                }
            };
        return { NavigationMixin: Object.assign(NavigationMixin, { Navigate }) };
    },
    { virtual: true }
);
jest.mock("@salesforce/apex", () => ({ refreshApex: jest.fn(() => Promise.resolve()) }), { virtual: true });
jest.mock("@salesforce/i18n/locale", () => ({ default: "en-GB" }), { virtual: true });

const LATE = {
    id: "a01000000000001",
    title: "INV-1",
    status: "open",
    currencyCode: "GBP",
    amount: 120,
    dueOn: "2020-01-31",
    disputed: false
};
const VIEW = {
    customer: { balance: 195.5, overdue: 120, currencyCode: "GBP", oldestDueOn: "2020-01-31", usuallyLate: 12 },
    invoices: [LATE, { ...LATE, id: "a01000000000002", title: "INV-2", amount: 75.5, dueOn: "2999-01-01" }],
    ageing: [
        {
            currencyCode: "GBP",
            bands: [75.5, 0, 0, 0, 120].map((amount, place) => ({ label: `band ${place}`, amount }))
        }
    ],
    happenings: [],
    waiting: 0
};

async function settled() {
    for (let turn = 0; turn < 5; turn += 1) {
        // eslint-disable-next-line no-await-in-loop -- one turn after the other
        await Promise.resolve();
    }
}

async function panel(view = VIEW) {
    const element = createElement("c-true-due-panel", { is: TrueDuePanel });
    element.recordId = "001000000000001";
    document.body.appendChild(element);
    show.emit(view);
    await settled();
    return element;
}

function button(element, action, id) {
    const which = id ? `[data-id="${id}"]` : "";
    return element.shadowRoot.querySelector(`lightning-button[data-action="${action}"]${which}`);
}

async function press(element, action, id) {
    button(element, action, id).click();
    await settled();
}

function field(element, name) {
    return [...element.shadowRoot.querySelectorAll("lightning-input")].find((each) => each.name === name);
}

function fill(element, values) {
    for (const [name, value] of Object.entries(values)) {
        const input = field(element, name);
        input.value = value;
        input.reportValidity = () => value !== "";
    }
}

function text(element, selector) {
    return [...element.shadowRoot.querySelectorAll(selector)].map((each) => each.textContent.trim());
}

beforeEach(() => {
    jest.useFakeTimers();
    for (const call of [tell, promise, ask]) {
        call.mockResolvedValue(undefined);
    }
});

afterEach(() => {
    while (document.body.firstChild) {
        document.body.removeChild(document.body.firstChild);
    }
    jest.clearAllMocks();
    jest.useRealTimers();
});

describe("what the panel shows", () => {
    it("shows what is open, by invoice and by age", async () => {
        const element = await panel();
        expect(text(element, ".fact dd")).toEqual(["£195.50", "£120.00", "31 Jan 2020", "12 days late"]);
        expect(text(element, ".number")).toEqual(["INV-1", "INV-2"]);
        expect(text(element, ".state")[0]).toMatch(/^due 31 Jan 2020 · \d+ days late$/);
        expect(text(element, ".legend li")).toEqual(["band 0: £75.50", "band 4: £120.00"]);
        const widths = [...element.shadowRoot.querySelectorAll(".band")].map((each) => parseFloat(each.style.width));
        expect(widths[0] + widths[1]).toBeCloseTo(100);
        expect(widths[1]).toBeCloseTo(61.38, 1);
    });

    it("says the risk with its reasons, and marks a high one", async () => {
        const customer = { ...VIEW.customer, risk: "high", riskReasons: "pays 40 days late on average" };
        const element = await panel({ ...VIEW, customer });
        expect(text(element, ".fact dd")).toContain("High: pays 40 days late on average");
        expect(text(element, ".fact .late")).toContain("High: pays 40 days late on average");
        const unknown = await panel({ ...VIEW, customer: { ...VIEW.customer, risk: "unknown" } });
        expect(text(unknown, ".fact dd")).toContain("Unknown");
    });

    it("says that nothing is open", async () => {
        const element = await panel({ ...VIEW, invoices: [], ageing: [] });
        expect(text(element, ".quiet")).toEqual(["Nothing is open."]);
    });

    it("says that it is looking, and where there is no account to look at", async () => {
        const element = createElement("c-true-due-panel", { is: TrueDuePanel });
        document.body.appendChild(element);
        await settled();
        expect(element.shadowRoot.textContent).toContain("Looking for what is open");
        show.emit({ ...VIEW, customer: undefined });
        await settled();
        expect(element.shadowRoot.textContent).toContain("This record has no account");
        expect(element.shadowRoot.textContent).not.toContain("Looking for");
    });

    it("says what Salesforce said when it cannot be shown", async () => {
        const element = await panel();
        show.error({ message: "no access" });
        await settled();
        expect(text(element, "[role=alert]")).toEqual(["no access"]);
    });
});

describe("what people do", () => {
    it("pauses one invoice through a day", async () => {
        const element = await panel();
        await press(element, "pause", LATE.id);
        fill(element, { day: "2999-02-01", reason: "they are merging" });
        await press(element, "save");
        expect(tell).toHaveBeenCalledWith({
            recordId: "001000000000001",
            said: { invoiceId: LATE.id, action: "pause", until: "2999-02-01", reason: "they are merging" }
        });
        expect(text(element, "[role=status]")).toEqual(["TrueDue is told: its answer comes in a moment."]);
        expect(element.shadowRoot.querySelector(".form")).toBeNull();
    });

    it("pauses every invoice of the account", async () => {
        const element = await panel();
        await press(element, "pause-all");
        fill(element, { day: "2999-02-01", reason: "" });
        field(element, "reason").reportValidity = () => true;
        await press(element, "save");
        expect(tell.mock.calls[0][0].said).toMatchObject({ invoiceId: null, action: "pause" });
    });

    it("does nothing without a day", async () => {
        const element = await panel();
        await press(element, "pause", LATE.id);
        fill(element, { day: "", reason: "x" });
        await press(element, "save");
        expect(tell).not.toHaveBeenCalled();
    });

    it("resumes what is paused, and offers nothing else there", async () => {
        const paused = { ...LATE, pausedUntil: "2999-01-01" };
        const element = await panel({ ...VIEW, invoices: [paused] });
        expect(button(element, "pause", LATE.id)).toBeNull();
        expect(text(element, ".state")[0]).toBe("due 31 Jan 2020 · reminders paused through 1 Jan 2999");
        await press(element, "resume", LATE.id);
        expect(tell.mock.calls[0][0].said).toEqual({ invoiceId: LATE.id, action: "resume" });
    });

    it("takes a pause that is over for none", async () => {
        const element = await panel({ ...VIEW, invoices: [{ ...LATE, pausedUntil: "2020-02-01" }] });
        expect(button(element, "resume", LATE.id)).toBeNull();
    });

    it("has the last reminder of what is late sent again, and of nothing else", async () => {
        const element = await panel();
        expect(button(element, "send_again", VIEW.invoices[1].id)).toBeNull();
        await press(element, "send_again", LATE.id);
        expect(tell.mock.calls[0][0].said).toEqual({ invoiceId: LATE.id, action: "send_again" });
    });

    it("has a statement of the account printed, and shows the file", async () => {
        const element = await panel();
        print.mockResolvedValue("069000000000001");
        await press(element, "statement");
        expect(print).toHaveBeenCalledWith({ accountId: "001000000000001" });
        expect(mockShown.mock.calls[0][0].state).toEqual({ selectedRecordId: "069000000000001" });
        expect(text(element, "[role=status]")).toEqual(["The statement is kept among the account's files."]);
    });

    it("prints the statement of the opportunity's account", async () => {
        const deal = { name: "Doors", accountId: "001000000000002", isWon: false };
        await press(await panel({ ...VIEW, deal }), "statement");
        expect(print).toHaveBeenCalledWith({ accountId: "001000000000002" });
    });

    it("says why no statement was printed", async () => {
        const element = await panel();
        print.mockRejectedValue({ body: { message: "This org is not connected to TrueDue." } });
        await press(element, "statement");
        expect(text(element, "[role=alert]")).toEqual(["This org is not connected to TrueDue."]);
        expect(text(element, "[role=status]")).toEqual([""]);
    });

    it("logs a promise", async () => {
        const element = await panel();
        await press(element, "promise", LATE.id);
        expect(field(element, "reason")).toBeUndefined();
        fill(element, { day: "2999-02-01" });
        await press(element, "save");
        expect(promise).toHaveBeenCalledWith({ invoiceId: LATE.id, promisedOn: "2999-02-01" });
    });

    it("asks for an invoice of a won opportunity only", async () => {
        const deal = { name: "Doors", amount: 450, isWon: true };
        const element = await panel({ ...VIEW, deal });
        fill(element, { amount: "450.10", currency: "GBP", due: "2999-03-01" });
        await press(element, "ask");
        expect(ask).toHaveBeenCalledWith({
            opportunityId: "001000000000001",
            wanted: { amount: 450.1, currencyCode: "GBP", dueOn: "2999-03-01" }
        });
        expect(button(await panel({ ...VIEW, deal: { ...deal, isWon: false } }), "ask")).toBeNull();
    });

    it("tells nothing twice, however often it is pressed", async () => {
        let answer;
        tell.mockReturnValue(new Promise((resolve) => (answer = resolve)));
        const element = await panel({ ...VIEW, invoices: [{ ...LATE, pausedUntil: "2999-01-01" }] });
        const resume = button(element, "resume", LATE.id);
        resume.click();
        resume.click();
        expect(tell).toHaveBeenCalledTimes(1);
        answer();
        await settled();
    });

    it("says why something was refused, and keeps what was entered", async () => {
        tell.mockRejectedValue({ body: { message: "You may not do this." } });
        const element = await panel();
        await press(element, "pause", LATE.id);
        fill(element, { day: "2999-02-01", reason: "x" });
        await press(element, "save");
        expect(text(element, "[role=alert]")).toEqual(["You may not do this."]);
        expect(element.shadowRoot.querySelector(".form")).not.toBeNull();
    });

    it("offers to resume all only where something is paused", async () => {
        const [first, second] = VIEW.invoices;
        expect(button(await panel(), "resume-all")).toBeNull();
        const both = [first, second].map((each) => ({ ...each, pausedUntil: "2999-01-01" }));
        const element = await panel({ ...VIEW, invoices: both });
        expect(button(element, "pause-all")).toBeNull();
        await press(element, "resume-all");
        expect(tell.mock.calls[0][0].said).toEqual({ invoiceId: null, action: "resume" });
    });

    it("looks for the answer a few times, and shows it", async () => {
        const element = await panel({ ...VIEW, invoices: [{ ...LATE, pausedUntil: "2999-01-01" }] });
        await press(element, "resume", LATE.id);
        show.emit({ ...VIEW, waiting: 1 });
        await settled();
        refreshApex.mockImplementation(() => {
            const answered = { id: "a02", kind: "instruction", day: "2026-11-17", words: "Reminders go on." };
            show.emit({ ...VIEW, happenings: [answered] });
            return Promise.resolve();
        });
        jest.advanceTimersByTime(1500);
        await settled();
        expect(text(element, "[role=status]")).toEqual(["Reminders go on."]);
        for (let turn = 0; turn < 20; turn += 1) {
            jest.advanceTimersByTime(60000);
            // eslint-disable-next-line no-await-in-loop -- one look after the other
            await settled();
        }
        expect(refreshApex.mock.calls.length).toBe(7);
    });
});
