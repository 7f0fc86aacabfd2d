"""Timed jobs of the search; `vru_portal.operations.schedule` runs them."""

from vru_portal.search import zero_results

JOBS = ((zero_results.count_missed_words, ""),)
