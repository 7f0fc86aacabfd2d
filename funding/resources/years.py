from funding.models import FinancialYear
from vru_portal.tabular.records.resources import RecordResource


class FinancialYearResource(RecordResource):
    """Financial years, by the calendar year in which they begin."""

    model = FinancialYear
    key = ("first_year",)
