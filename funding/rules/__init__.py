"""The rules for recording money. Admin, imports and commands all write through these modules.

Triggers in the database enforce the same rules (see the models); here they come with messages that say what to do.
`tests/funding/triggers/test_rules_agree.py` holds the two together.
"""
