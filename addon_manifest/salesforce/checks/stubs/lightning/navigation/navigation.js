const Navigate = Symbol("Navigate");

/** A page that the panel leads to is a file's preview: here the address is followed in this window. */
export const NavigationMixin = (Base) =>
    class extends Base {
        [Navigate]({ state }) {
            window.location.assign(`/files/${state.selectedRecordId}`);
        }
    };
NavigationMixin.Navigate = Navigate;
