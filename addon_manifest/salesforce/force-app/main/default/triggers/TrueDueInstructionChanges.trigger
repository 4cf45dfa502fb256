trigger TrueDueInstructionChanges on TrueDue_Instruction__c(after insert) {
    TrueDueKnock.about(Trigger.new);
}
