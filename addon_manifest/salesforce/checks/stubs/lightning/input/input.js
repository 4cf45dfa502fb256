import { LightningElement, api } from "lwc";

export default class Input extends LightningElement {
    @api type = "text";
    @api name;
    @api label;
    @api min;
    @api max;
    @api step;
    @api minLength;
    @api maxLength;
    @api required = false;

    first = "";

    @api get value() {
        return this.template.querySelector("input")?.value ?? this.first;
    }

    set value(value) {
        this.first = value;
    }

    @api reportValidity() {
        return this.template.querySelector("input").reportValidity();
    }
}
