"""Timed jobs of the search; `vru_portal.operations.schedule` runs them."""

from vru_portal.search import missed

JOBS = ((missed.count_missed_words, ""),)
