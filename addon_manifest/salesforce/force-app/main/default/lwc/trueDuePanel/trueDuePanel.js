import { LightningElement, api, wire } from "lwc";
import { NavigationMixin } from "lightning/navigation";
import { refreshApex } from "@salesforce/apex";
import LOCALE from "@salesforce/i18n/locale";
import show from "@salesforce/apex/TrueDuePanel.show";
import tell from "@salesforce/apex/TrueDuePanel.tell";
import promise from "@salesforce/apex/TrueDuePanel.promise";
import ask from "@salesforce/apex/TrueDuePanel.ask";
import print from "@salesforce/apex/TrueDueStatement.print";
import { barsOf, daysAfter, factsOf, happeningOf, lineOf } from "./wording";

const ALL = "all";
const MOST_DAYS = 90; // of a pause, and of a promise that a payer makes
// When to look for an answer again, after a person did something; then the page is left alone.
const LOOKS_AFTER_MILLISECONDS = [1500, 2500, 4000, 8000, 15000, 30000];
const FORMS = {
    pause: { label: "Pause through", verb: "Pause reminders", asksReason: true, latestDays: MOST_DAYS },
    promise: { label: "Will be paid on", verb: "Log the promise", asksReason: false, latestDays: MOST_DAYS }
};

export default class TrueDuePanel extends NavigationMixin(LightningElement) {
    @api recordId;

    view;
    problem = "";
    message = "";
    chosen = "";
    action = "";
    answer;
    isBusy = false; // something that was pressed is on its way: nothing is told twice
    looks = 0;
    timer;

    @wire(show, { recordId: "$recordId" })
    shown(answer) {
        this.answer = answer;
        if (answer.data) {
            this.view = answer.data;
            this.problem = "";
        } else if (answer.error) {
            this.problem = wordsOf(answer.error);
        }
    }

    disconnectedCallback() {
        clearTimeout(this.timer);
    }

    get today() {
        const now = new Date();
        const local = new Date(now.getTime() - now.getTimezoneOffset() * 60000);
        return local.toISOString().slice(0, 10);
    }

    get isLoading() {
        return !this.view && !this.problem;
    }

    get hasNoAccount() {
        return Boolean(this.view);
    }

    get customer() {
        return this.view?.customer;
    }

    get deal() {
        return this.view.deal;
    }

    get canAsk() {
        return Boolean(this.view.deal?.isWon);
    }

    get facts() {
        return factsOf(this.customer, LOCALE);
    }

    get bars() {
        return barsOf(this.view.ageing, LOCALE);
    }

    get invoices() {
        return this.view.invoices.map((each) =>
            lineOf(each, { today: this.today, chosen: this.chosen, locale: LOCALE })
        );
    }

    get isSettled() {
        return this.view.invoices.length === 0;
    }

    get hasMany() {
        return this.invoices.filter((each) => each.canAct).length > 1;
    }

    get canPauseAll() {
        return this.invoices.some((each) => each.canAct && !each.isPaused);
    }

    get canResumeAll() {
        return this.invoices.some((each) => each.isPaused);
    }

    get isAllChosen() {
        return this.chosen === ALL;
    }

    get happenings() {
        return this.view.happenings.map((each) => happeningOf(each, LOCALE));
    }

    get form() {
        const form = FORMS[this.action];
        return { ...form, latest: daysAfter(this.today, form.latestDays) };
    }

    open(event) {
        const { action, id } = event.currentTarget.dataset;
        this.action = action.split("-")[0];
        this.chosen = id ?? ALL;
        this.problem = "";
    }

    close() {
        this.chosen = "";
    }

    async save(event) {
        const form = formOf(event);
        if (!form.isFilledIn) {
            return;
        }
        const invoiceId = this.chosen === ALL ? null : this.chosen;
        const { day: until, reason } = form.values;
        if (this.action === "promise") {
            await this.change(() => promise({ invoiceId, promisedOn: until }), "The promise is kept.");
        } else {
            await this.tellTrueDue({ invoiceId, action: "pause", until, reason });
        }
    }

    /** Does at once what needs nothing entered: to resume, to send again. */
    async order(event) {
        const { action, id } = event.currentTarget.dataset;
        await this.tellTrueDue({ invoiceId: id ?? null, action: action.split("-")[0] });
    }

    async ask(event) {
        const form = formOf(event);
        if (!form.isFilledIn) {
            return;
        }
        const { amount, currency, due } = form.values;
        const wanted = { amount: Number(amount), currencyCode: currency, dueOn: due };
        const done = "The invoice is asked for: it becomes a draft in the ledger.";
        await this.change(() => ask({ opportunityId: this.recordId, wanted }), done);
    }

    /** Has a statement of account printed and shows it: it is a file of the account from then on. */
    async statement() {
        this.problem = "";
        this.message = "The statement is being printed.";
        try {
            const file = await print({ accountId: this.deal?.accountId ?? this.recordId });
            this.message = "The statement is kept among the account's files.";
            this[NavigationMixin.Navigate]({
                type: "standard__namedPage",
                attributes: { pageName: "filePreview" },
                state: { selectedRecordId: file }
            });
        } catch (error) {
            this.message = "";
            this.problem = wordsOf(error);
        }
    }

    refresh() {
        this.message = "";
        return refreshApex(this.answer);
    }

    async tellTrueDue(said) {
        const done = "TrueDue is told: its answer comes in a moment.";
        await this.change(() => tell({ recordId: this.recordId, said }), done);
    }

    /** Does something, says so, and looks for what came of it: soon at first, and a few times only. */
    async change(act, done) {
        if (this.isBusy) {
            return;
        }
        clearTimeout(this.timer);
        this.isBusy = true;
        try {
            await act();
        } catch (error) {
            this.problem = wordsOf(error);
            return;
        } finally {
            this.isBusy = false;
        }
        this.problem = "";
        this.message = done;
        this.chosen = "";
        this.looks = 0;
        await refreshApex(this.answer);
        this.lookAgain();
    }

    lookAgain() {
        const wait = LOOKS_AFTER_MILLISECONDS[this.looks];
        if (wait === undefined) {
            return;
        }
        this.looks += 1;
        // eslint-disable-next-line @lwc/lwc/no-async-operation -- bounded, and ended when the panel goes
        this.timer = setTimeout(() => this.look(), wait);
    }

    async look() {
        const waited = this.view.waiting > 0;
        await refreshApex(this.answer);
        if (waited && this.view.waiting === 0) {
            this.message = this.view.happenings.find((each) => each.kind === "instruction")?.words ?? "";
        }
        this.lookAgain();
    }
}

/** What a person entered in the form of a pressed button, and whether it is whole; what lacks says so itself. */
function formOf(event) {
    const inputs = [...event.currentTarget.closest(".form").querySelectorAll("lightning-input")];
    return {
        isFilledIn: inputs.reduce((whole, input) => input.reportValidity() && whole, true),
        values: Object.fromEntries(inputs.map((input) => [input.name, input.value]))
    };
}

function wordsOf(error) {
    return error?.body?.message ?? error?.message ?? "Salesforce did not answer: try again.";
}
