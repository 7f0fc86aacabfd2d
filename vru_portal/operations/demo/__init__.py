"""A demonstration: a unit's own content with made-up assessments, allocations, payments and signatures added."""
