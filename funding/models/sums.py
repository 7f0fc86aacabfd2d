"""What is set aside, varied, returned and left, stated once in SQL for the triggers.

`funding/querysets/` says the same for Django and `funding/year_accounts.py` for pages;
`tests/funding/reconcile/test_sums_agree.py` compares the three.

    left of a source    = source - allocated - carried forward - returned
    allocated           = allocations - variations of allocations
    variation           takes part of one allocation, or money of the source that no allocation holds
    returned            = variations that give money back to the funder, from either place

SQLite has no decimals, but its sums of whole numbers are exact, so everything is in pence. A reversal has a negative
amount: a sum over all rows leaves out what is reversed.
"""

ALLOCATED_PENCE = (
    "(COALESCE((SELECT SUM(ROUND(a.amount * 100)) FROM funding_allocation a WHERE a.funding_source_id = {source}), 0) "
    "- COALESCE((SELECT SUM(ROUND(v.amount * 100)) FROM funding_variation v WHERE v.funding_source_id = {source} "
    "AND v.allocation_id IS NOT NULL), 0))"
)
CARRIED_PENCE = (
    "COALESCE((SELECT SUM(ROUND(c.amount * 100)) FROM funding_fundingsource c WHERE c.carried_from_id = {source}), 0)"
)
RETURNED_PENCE = (
    "COALESCE((SELECT SUM(ROUND(v.amount * 100)) FROM funding_variation v WHERE v.funding_source_id = {source} "
    "AND v.kind = 'return'), 0)"
)
# What is allocated, carried forward or returned.
TAKEN_PENCE = f"({ALLOCATED_PENCE} + {CARRIED_PENCE} + {RETURNED_PENCE})"

STANDS = "{0}.reverses_id IS NULL AND NOT EXISTS (SELECT 1 FROM {1} back WHERE back.reverses_id = {0}.id)"
SOURCE_STANDS = STANDS.format("s", "funding_fundingsource")
# What a source brings; 0 for a reversed source and for a reversal.
SOURCE_PENCE = (
    "COALESCE((SELECT ROUND(s.amount * 100) FROM funding_fundingsource s WHERE s.id = {source} "
    f"AND {SOURCE_STANDS}), 0)"
)
# What may be allocated beyond what a source brings: the share that a decision allows, in whole pence, rounded down.
ALLOWANCE_PENCE = (
    "COALESCE((SELECT MAX(CAST(ROUND(s.amount * 100) AS BIGINT) * CAST(ROUND(o.share * 100) AS BIGINT) / 10000) "
    "FROM funding_overcommitment o JOIN funding_fundingsource s ON s.id = o.funding_source_id "
    f"WHERE s.id = {{source}} AND {STANDS.format('o', 'funding_overcommitment')} AND {SOURCE_STANDS}), 0)"
)
LIMIT_PENCE = f"({SOURCE_PENCE} + {ALLOWANCE_PENCE})"

# What an allocation still sets aside, and what is paid on it.
NET_PENCE = (
    "(COALESCE((SELECT SUM(ROUND(a.amount * 100)) FROM funding_allocation a "
    "WHERE a.id = {allocation} OR a.reverses_id = {allocation}), 0) "
    "- COALESCE((SELECT SUM(ROUND(v.amount * 100)) FROM funding_variation v WHERE v.allocation_id = {allocation}), 0))"
)
PAID_PENCE = (
    "COALESCE((SELECT SUM(ROUND(p.amount * 100)) FROM funding_payment p WHERE p.allocation_id = {allocation}), 0)"
)

LOCK_SOURCE = "SELECT 1 FROM funding_fundingsource WHERE id = {source}"
LOCK_ALLOCATION = "SELECT 1 FROM funding_allocation WHERE id = {allocation}"
