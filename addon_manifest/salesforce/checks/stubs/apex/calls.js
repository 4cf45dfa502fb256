/** Apex over HTTP: a method is a post to `/apex/<method>`, a refusal an answer that is not 200. */

async function call(method, said) {
    const answer = await fetch(`/apex/${method}`, { method: "POST", body: JSON.stringify(said) });
    const told = await answer.json();
    if (!answer.ok) {
        throw Object.assign(new Error(told.message), { body: told });
    }
    return told;
}

const adapters = new WeakMap();

/** The wire adapter of a cacheable method. */
export class Show {
    constructor(emit) {
        this.emit = emit;
    }

    update(config) {
        this.config = config;
        return this.read();
    }

    connect() {}

    disconnect() {}

    async read() {
        let answer;
        try {
            answer = { data: await call("show", this.config) };
        } catch (error) {
            answer = { error };
        }
        adapters.set(answer, this);
        this.emit(answer);
    }
}

export function refreshApex(answer) {
    return adapters.get(answer).read();
}

export const tell = (said) => call("tell", said);
export const promise = (said) => call("promise", said);
export const ask = (said) => call("ask", said);
export const print = (said) => call("print", said);
