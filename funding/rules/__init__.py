"""The rules for recording money. Admin, imports and commands all write through these functions.

Triggers in the database enforce the same rules (see the models); here they come with messages that say what to do.
`tests/funding/triggers/test_rules_agree.py` holds the two together.
"""

from funding.rules.allocations import add_contract_copy, allocate
from funding.rules.payments import PAYMENTS_AT_ONCE, check_payment, explain, pay, pay_all
from funding.rules.sources import allowance_of, carry_forward, check_budget, lock_sources
from funding.rules.variations import allow_overcommitment, decide, vary

__all__ = [
    "PAYMENTS_AT_ONCE",
    "add_contract_copy",
    "allocate",
    "allow_overcommitment",
    "allowance_of",
    "carry_forward",
    "check_budget",
    "check_payment",
    "decide",
    "explain",
    "lock_sources",
    "pay",
    "pay_all",
    "vary",
]
