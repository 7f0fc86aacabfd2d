"""The datasets of all apps, by name: the pages, files and API of open data. An app declares its own in `datasets`."""

from dataclasses import replace
from typing import Any

import events.datasets
import events.declarations.datasets
import funding.datasets.costs
import funding.datasets.onward_grants
import funding.datasets.published
import partners.datasets
import programmes.datasets
import programmes.results.datasets
from vru_portal.public.catalogue import CatalogueFilters
from vru_portal.tabular.datasets import Dataset
from vru_portal.tabular.writers import Column

# An initiative's progress depends on its money, which `programmes` must not import.
INITIATIVES = replace(
    programmes.datasets.INITIATIVES,
    filters=CatalogueFilters,
    columns=(
        *programmes.datasets.INITIATIVES.columns,
        Column(
            "status",
            "Its progress",
            lambda i: i.status.label,
            derived="its evidence assessments, allocations and payments",
        ),
    ),
)

ALL: tuple[Dataset[Any], ...] = (
    *programmes.datasets.DATASETS,
    *partners.datasets.DATASETS,
    *events.datasets.DATASETS,
    *events.declarations.datasets.DATASETS,
    *funding.datasets.published.DATASETS,
    funding.datasets.onward_grants.ONWARD_GRANTS,
    *programmes.results.datasets.DATASETS,
    funding.datasets.costs.COSTS,
    INITIATIVES,  # instead of the app's own, in its place
)
DATASETS = {dataset.name: dataset for dataset in ALL}
