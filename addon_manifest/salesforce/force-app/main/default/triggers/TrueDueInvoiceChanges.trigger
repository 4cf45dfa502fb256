trigger TrueDueInvoiceChanges on TrueDue_Invoice__c(after insert, after update) {
    TrueDueKnock.about(Trigger.new);
}
