"""Files of onward grants, as staff write them or as recipients publish them in the 360Giving standard."""

from dataclasses import dataclass
from typing import Any, ClassVar

import tablib
from django.conf import settings
from django.core.exceptions import ValidationError
from import_export import fields
from import_export.formats import base_formats

from funding.models import Allocation, OnwardGrant
from funding.regranting.files import HEADINGS, GivingCSV, GivingJSON, as_typed, day_of
from funding.regranting.rules.recording import INDIVIDUAL, record_onward_grant
from funding.resources.ledger import LedgerResource
from funding.resources.lookups import find_allocations
from funding.validators import public_id_validator
from vru_portal.tabular.readers import XLSX, cell_problem, cell_text, format_of
from vru_portal.tabular.reading.headings import Headings
from vru_portal.tabular.reading.named_records import Found, NamedRecord, last_part, records_by_key
from vru_portal.tabular.reading.plain_text import notes_in_plain_words
from vru_portal.tabular.widgets import DateWidget, MoneyWidget, TextWidget
from vru_portal.web.addresses import full_url

CHOOSE_ALLOCATION = (
    "The file does not say which of your grants this was awarded from. Choose that grant above the file, or name it "
    "in a column “allocation”."
)

OWN_COLUMN = (
    "The column that could name our grants (“allocation”, or another heading for it) has other things in it, so it was "
    "not read."
)
NO_SUCH_GRANT = "we have no grant “{}”. Correct it, or leave the cell empty"
MAX_PROBLEMS = 10  # of one file that are named


class OnwardGrantResource(LedgerResource):
    """Onward grants: whether their allocation is for regranting is checked by the rule.

    Where a row does not name the allocation, it is the one that is chosen for the whole file.
    """

    formats: ClassVar[tuple[type[base_formats.Format], ...]] = (GivingCSV, XLSX, GivingJSON)
    required = ("recipient", "amount", "awarded_on")
    aliases = HEADINGS | {"allocation": ("awarded from", "our grant")}
    only_in_standard_files = ("related", "individual", "currency")
    key = "reference"
    rows_label = "onward grants"
    permission = "funding.add_onwardgrant"
    correction_advice = "Reverse it, then record the correct grant under another reference."

    reference = fields.Field("reference", "reference", TextWidget())
    allocation = fields.Field("allocation", "allocation", NamedRecord("allocation"))
    related = fields.Field(column_name="related", widget=TextWidget())
    recipient_name = fields.Field("recipient_name", "recipient", TextWidget())
    recipient_org_id = fields.Field("recipient_org_id", "recipient_org_id", TextWidget())
    individual = fields.Field(column_name="individual", widget=TextWidget())
    currency = fields.Field(column_name="currency", widget=TextWidget())
    amount = fields.Field("amount", "amount", MoneyWidget())
    awarded_on = fields.Field("awarded_on", "awarded_on", DateWidget())
    title = fields.Field("title", "title", TextWidget())
    description = fields.Field("description", "description", TextWidget())
    area = fields.Field("area", "area", TextWidget())
    area_code = fields.Field("area_code", "area_code", TextWidget())
    url = fields.Field("url", "url", TextWidget())

    class Meta(LedgerResource.Meta):
        model = OnwardGrant

    def __init__(self, *, allocation: Allocation | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.chosen = allocation
        self.related_allocations: dict[str, Allocation] = {}
        self.named_allocations = Found()

    def check_columns(self, dataset: tablib.Dataset) -> None:
        """Leave out a column that is the sender's own “allocation” too: no cell of it names a grant of the unit.

        If no grant is chosen for the file, its cells are errors: somebody has to say which grant it is about.
        """
        super().check_columns(dataset)
        if "allocation" not in dataset.headers:
            return
        texts = {cell_text(cell) for cell in dataset["allocation"] if not cell_problem(cell)} - {""}
        found = find_allocations(texts, "recipient")
        if self.chosen and texts and not (found.records or found.ambiguous or any(map(looks_like_ours, texts))):
            del dataset["allocation"]
            self.notes.append(OWN_COLUMN)
        self.named_allocations = found

    def named_columns(self) -> list[str]:
        """Without “allocation” where the grant is chosen for the whole file."""
        return [name for name in super().named_columns() if name != "allocation" or self.chosen is None]

    def headings_not_read(self, dataset: tablib.Dataset) -> list[str]:
        """Leave every other column of the standard unread: a publisher may add as many as it likes."""
        return [cell_text(heading) for heading in dataset.headers]

    def missing_columns(self, found: set[str | None]) -> list[str]:
        """A file of grants to people has no column for organisations."""
        return super().missing_columns(found | {"recipient"} if "individual" in found else found)

    def keep_columns(self, dataset: tablib.Dataset, rows: list[Any], found: Headings) -> None:
        """Without the addresses of this portal's own pages, which its own list of onward grants has as “url”."""
        super().keep_columns(dataset, rows, found)
        if "url" in dataset.headers:
            addresses = ["" if cell_text(cell).startswith(full_url("/")) else cell for cell in dataset["url"]]
            del dataset["url"]
            dataset.append_col(addresses, header="url")
        if "recipient" not in dataset.headers:
            dataset.append_col([""] * len(rows), header="recipient")

    def look_up(self, keys: dict[str, set[str]]) -> None:
        self.fields["allocation"].widget = NamedRecord("allocation", self.named_allocations)
        ids = {public_id for text in keys.get("related", ()) for public_id in own_grants_in(text)}
        self.related_allocations = records_by_key(Allocation, "public_id", ids, "recipient")
        self.recorded = records_by_key(OnwardGrant, "reference", keys.get("reference", ()), "allocation")

    def import_instance(self, instance: OnwardGrant, row: Any, **kwargs: Any) -> None:
        """Read the cells. A person's grant gets no name, and a time of day is cut off the date of the award."""
        errors: dict[str, list[str]] = {}
        cells = {"recipient": "", **row}
        if cell_text(row.get("individual")):
            cells["recipient"] = INDIVIDUAL
        elif not cell_text(cells["recipient"]):
            errors["recipient"] = ["Enter who received the grant. For a person, enter “An individual”."]
        if (currency := cell_text(row.get("currency")).upper()) not in ("", "GBP"):
            errors["currency"] = [f"{currency} cannot be recorded: enter what it was in pounds (GBP)."]
        if isinstance(row["awarded_on"], str):
            cells["awarded_on"] = day_of(row["awarded_on"])
        try:
            super().import_instance(instance, cells, **kwargs)
        except ValidationError as error:
            errors |= error.message_dict
        if not instance.allocation_id and "allocation" not in errors:
            related = [self.related_allocations.get(one) for one in own_grants_in(cell_text(row.get("related")))]
            if (found := next((one for one in related if one), self.chosen)) is None:
                errors["allocation"] = [CHOOSE_ALLOCATION]
            else:
                instance.allocation = found
        if errors:
            raise ValidationError(errors)

    def is_stated(self, row: Any, column: str) -> bool:
        return bool(cell_text(row.get(column)))

    def record(self, row: OnwardGrant) -> None:
        record_onward_grant(by=self.by, grant=row)


@dataclass(frozen=True)
class ReadFile:
    """The grants of a file as somebody would type them, and how many are of other grants of the unit."""

    rows: list[dict[str, str]]
    of_others: int
    notes: list[str]  # sentences about what else the file has, such as a total that was left out


def read_onward_file(content: bytes, allocation: Allocation) -> ReadFile:
    """Read the grants that were made out of an allocation from a file, whatever is wrong with each of them.

    A row that names no grant of the unit is taken for one of this. Raises ValidationError for what is no such file, and
    for cells that cannot be read: what a spreadsheet shows instead of a value is not what somebody would type.
    """
    resource = OnwardGrantResource(allocation=allocation)
    dataset = format_of(content, resource.formats)().create_dataset(content)
    resource.check_columns(dataset)
    rows, of_others, problems = [], 0, []
    for number, cells in enumerate(dataset, 1):
        problems += [
            f"Row {number + resource.first_row - 1}, {name}: {problem}"
            for name, cell in zip(dataset.headers, cells, strict=True)
            if (problem := cell_problem(cell))
        ]
        row = dict(zip(dataset.headers, map(cell_text, cells), strict=True))
        if number in resource.remarks or not any(row.values()):
            continue
        named = [*own_grants_in(row.get("related", ""))]
        if text := row.get("allocation", ""):
            ids = ids_of(text, resource.named_allocations)
            named += ids
            problems += (
                [] if ids else [f"Row {number + resource.first_row - 1}, allocation: {NO_SUCH_GRANT.format(text)}."]
            )
        if named and allocation.public_id not in named:
            of_others += 1
        else:
            rows.append(as_typed(row))
    if problems:
        more = [f"And {len(problems) - MAX_PROBLEMS:,} more."] if len(problems) > MAX_PROBLEMS else []
        raise ValidationError([*problems[:MAX_PROBLEMS], *more])
    return ReadFile(rows, of_others, notes_in_plain_words(resource.notes))


def ids_of(text: str, found: Found) -> list[str]:
    """The ids of the grants that a cell names, by what was found of its column."""
    if record := found.records.get(text):
        return [record.public_id]
    return [described.partition(" ")[0] for described in found.ambiguous.get(text, ())]


def looks_like_ours(text: str) -> bool:
    """Whether a cell has the form of an id of the unit's grants, perhaps of one that does not exist."""
    try:
        public_id_validator(last_part(text))
    except ValidationError:
        return bool(settings.GRANTS_PREFIX) and text.startswith(f"{settings.GRANTS_PREFIX}-")
    return True


def own_grants_in(text: str) -> list[str]:
    """The ids of this portal's grants among the identifiers of related activities."""
    prefix = f"{settings.GRANTS_PREFIX}-"
    parts = [part.strip() for part in text.split(";")]
    return [part.removeprefix(prefix) for part in parts if settings.GRANTS_PREFIX and part.startswith(prefix)]
