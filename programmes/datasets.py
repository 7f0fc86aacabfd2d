"""The initiatives as open data."""

from typing import Any

from programmes.filters import InitiativeFilters
from programmes.models import Initiative
from vru_portal.tabular.datasets import (
    Dataset,
    QueryRows,
    join_values,
    last_changed,
    page_column,
    public_name,
    source_columns,
)
from vru_portal.tabular.writers import Column, Type


def initiative_rows(filters: InitiativeFilters) -> QueryRows[Initiative]:
    rows = filters.rows.select_related("level", "lead_organisation", "source")
    related = rows.prefetch_related("audiences", "settings", "areas", "partners")
    return QueryRows(related, filters.add_details, filters.count)


def joined_names(organisations: Any) -> str:
    return join_values(public_name(one) for one in organisations.all())


def area_codes(areas: Any) -> str:
    return join_values(area.gss_code for area in areas)


def approach_columns() -> list[Column[Initiative]]:
    """The approach that the evidence assessment cites; `add_details` sets it."""

    def rating(name: str) -> Column[Initiative]:
        return Column(
            f"approach_{name}",
            f"The toolkit's rating of its {name}, as stated there",
            lambda i: getattr(i.approach, name, ""),
            title=f"Rating of {name}",
        )

    return [
        Column(
            "approach",
            "The approach of a public toolkit that its evidence assessment cites",
            lambda i: i.approach.title if i.approach else "",
        ),
        Column("approach_toolkit", "The toolkit that rates the approach", lambda i: getattr(i.approach, "toolkit", "")),
        *(rating(name) for name in ("impact", "evidence", "cost")),
        Column(
            "approach_read_on",
            "The day on which the toolkit was read",
            lambda i: i.approach.read_on if i.approach else None,
            Type.DATE,
        ),
        Column(
            "approach_url",
            "The approach's page in the toolkit",
            lambda i: getattr(i.approach, "url", ""),
            Type.ADDRESS,
            "Address of the approach",
        ),
    ]


INITIATIVES: Dataset[Initiative] = Dataset(
    name="initiatives",
    title="Initiatives",
    about="The initiatives on this site. One row for each initiative.",
    columns=(
        Column("slug", "Its slug: the last part of its web address", lambda i: i.slug),
        Column("name", "Its name", lambda i: i.name),
        Column("level", "Its level of prevention", lambda i: i.level.name, title="Level of prevention"),
        Column("level_slug", "The level's slug: the last part of its web address", lambda i: i.level.slug),
        Column("summary", "What it is, in one sentence", lambda i: i.summary),
        Column("description", "What it does. Markdown", lambda i: i.description),
        Column("funded_period", "When it is funded, in this site's words", lambda i: i.funded_period),
        Column("audience", "Who it is for, in this site's words", lambda i: i.audience_text, title="Who it is for"),
        Column(
            "audiences",
            "The groups that visitors can filter by",
            lambda i: join_values(i.audiences.all()),
            derived="audience",
        ),
        Column(
            "setting", "The kind of place where it works, in this site's words", lambda i: i.setting_text, title="Where"
        ),
        Column(
            "settings",
            "The settings that visitors can filter by",
            lambda i: join_values(i.settings.all()),
            derived="setting",
        ),
        Column("area", "The places that it serves, as stated", lambda i: i.area_text, title="Area served"),
        Column(
            "areas",
            "The areas that visitors can filter by",
            lambda i: join_values(i.areas.all()),
            derived="area",
        ),
        Column(
            "area_codes",
            "The official codes of these areas, where known (ONS)",
            lambda i: area_codes(i.areas.all()),
            derived="areas",
        ),
        Column("eligibility", "Who can join, as stated", lambda i: i.eligibility, title="Who can join"),
        Column("referral", "How to be referred, as stated", lambda i: i.referral, title="How to be referred"),
        Column("contact", "Who to ask, as stated", lambda i: i.contact, title="Who to ask"),
        Column("delivered_by", "The organisation that delivers it", lambda i: public_name(i.lead_organisation)),
        Column("partners", "Who helps to deliver it", lambda i: joined_names(i.partners)),
        *approach_columns(),
        Column("sensitive_topic", "Such as domestic abuse", lambda i: i.sensitive_topic),
        page_column(),
        *source_columns(),
    ),
    key=("slug",),
    filters=InitiativeFilters,
    rows=initiative_rows,
    changed=last_changed(Initiative),
    page="programmes:initiatives",
    keywords=("initiatives", "violence prevention"),
)

DATASETS = (INITIATIVES,)
