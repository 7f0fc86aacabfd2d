"""The public pages about money."""

from funding.views.budget import decisions, heading
from funding.views.money import allocation, latest, payments, totals, year

__all__ = ["allocation", "decisions", "heading", "latest", "payments", "totals", "year"]
