"""A demonstration: a unit's own records with made-up assessments, allocations, payments and exceptions beside them."""
