"""Grants that a recipient awards on to others: what staff record of them, and the 360Giving files that they come in."""
