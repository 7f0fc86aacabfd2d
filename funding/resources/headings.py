from funding.models import BudgetHeading
from vru_portal.tabular.records.resources import record_resource

BudgetHeadingResource = record_resource(BudgetHeading)
