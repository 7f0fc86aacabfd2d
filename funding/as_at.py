"""Which rows of the ledger count when the money is shown for a day in the past (`vru_portal.ledger.as_at`)."""

from vru_portal.ledger.as_at import NOW, AsAt

__all__ = ["NOW", "AsAt"]
