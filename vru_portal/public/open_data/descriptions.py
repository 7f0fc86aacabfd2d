"""What /data/ says about each dataset, for people and for machines: DCAT 3, schema.org, and a Frictionless package.

https://www.w3.org/TR/vocab-dcat-3/, https://specs.frictionlessdata.io/data-package/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.utils import timezone

from funding.models import PublicationDuty
from partners.models import Unit
from vru_portal.public.open_data.datasets import DATASETS
from vru_portal.public.open_data.tables import columns_of, licence_of
from vru_portal.tabular.datasets import Dataset, table_schema
from vru_portal.tabular.downloads import FORMATS
from vru_portal.web.addresses import address_of, full_url
from vru_portal.web.file_responses import MEDIA_TYPES
from vru_portal.web.public_pages import cached_per_content_version

FORMAT_NAMES = {"csv": "CSV", "json": "JSON", "xlsx": "Excel"}
FREQUENCY = "http://publications.europa.eu/resource/authority/frequency/IRREG"


@dataclass(frozen=True)
class Download:
    """A file of a dataset."""

    form: str
    url: str

    @property
    def name(self) -> str:
        return FORMAT_NAMES[self.form]

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.form].partition(";")[0]


@dataclass(frozen=True)
class Description:
    """A dataset as it is at this moment."""

    dataset: Dataset[Any]
    unit: Unit
    duty: PublicationDuty | None

    @cached_property
    def count(self) -> int:
        """The number of rows in its files without filters."""
        return cached_per_content_version(
            f"rows of dataset {self.dataset.name}", lambda: self.dataset.rows(self.dataset.filters(QueryDict())).count
        )

    @cached_property
    def changed(self) -> datetime | None:
        return last_change_of(self.dataset)

    @property
    def title(self) -> str:
        return f"Example data: {self.dataset.title}" if self.unit.is_example else self.dataset.title

    @property
    def columns(self) -> list[dict[str, Any]]:
        """Its columns as the fields of a Table Schema."""
        return table_schema(self.dataset, columns_of(self.dataset, self.unit))["fields"]

    @property
    def schema(self) -> dict[str, Any]:
        return table_schema(self.dataset, columns_of(self.dataset, self.unit))

    @property
    def licence_name(self) -> str:
        return licence_of(self.dataset, self.duty)[0]

    @property
    def licence_url(self) -> str:
        return licence_of(self.dataset, self.duty)[1]

    @property
    def page(self) -> str:
        return address_of("open_data:dataset", self.dataset.name)

    @property
    def list_page(self) -> str:
        """The page that shows the same list."""
        return address_of(self.dataset.page)

    @property
    def list_parts(self) -> Sequence[tuple[str, str]]:
        """The names and addresses of the pages that each show a part of the list, if no one page shows all of it."""
        return self.dataset.parts() if self.dataset.parts else ()

    @property
    def api(self) -> str:
        return address_of("api:list", self.dataset.name)

    @property
    def downloads(self) -> list[Download]:
        return [Download(form, address_of("open_data:download", self.dataset.name, form)) for form in FORMATS]

    @property
    def identifier(self) -> str:
        """Its identifier, which stays as its address does."""
        return full_url(self.page)


def last_change_of(dataset: Dataset[Any]) -> datetime | None:
    return cached_per_content_version(f"last change of dataset {dataset.name}", dataset.changed)


def describe_all() -> list[Description]:
    unit, duty = Unit.objects.current(), PublicationDuty.objects.first()
    return [Description(dataset, unit, duty) for dataset in DATASETS.values()]


def describe(name: str) -> Description:
    return Description(DATASETS[name], Unit.objects.current(), PublicationDuty.objects.first())


# For machines ---------------------------------------------------------------------------------------------------------


def dcat_catalogue(descriptions: list[Description], unit: Unit) -> dict[str, Any]:
    """All datasets as a DCAT catalogue in JSON-LD."""
    return {
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
            "dct:modified": {"@type": "xsd:dateTime"},
            "dcat:mediaType": {"@type": "@id"},
        },
        "@id": full_url(address_of("open_data:catalogue")),
        "@type": "dcat:Catalog",
        "dct:title": f"Open data of {unit.name}",
        "dct:description": unit.description,
        "dct:language": "en",
        "dct:publisher": publisher(unit),
        "foaf:homepage": {"@id": full_url(address_of("home"))},
        "dcat:dataset": [dcat_dataset(description) for description in descriptions],
        "dcat:service": dcat_service(descriptions),
    }


def dcat_dataset(description: Description) -> dict[str, Any]:
    licence = {"dct:license": {"@id": description.licence_url}} if description.licence_url else {}
    changed = description.changed
    return {
        "@id": description.identifier,
        "@type": "dcat:Dataset",
        "dct:identifier": description.identifier,
        "dct:title": description.title,
        "dct:description": description.dataset.about,
        "dcat:keyword": list(description.dataset.keywords),
        "dct:language": "en",
        "dct:publisher": publisher(description.unit),
        "dct:accrualPeriodicity": {"@id": FREQUENCY},
        **({"dct:modified": timezone.localtime(changed).isoformat(timespec="seconds")} if changed else {}),
        **licence,
        "dcat:landingPage": {"@id": description.identifier},
        "dcat:distribution": [
            {
                "@id": full_url(download.url),
                "@type": "dcat:Distribution",
                "dct:title": f"{description.title} as {download.name}",
                "dcat:accessURL": {"@id": description.identifier},
                "dcat:downloadURL": {"@id": full_url(download.url)},
                "dcat:mediaType": f"https://www.iana.org/assignments/media-types/{download.media_type}",
                "dct:conformsTo": {"@id": full_url(address_of("open_data:schema", description.dataset.name))},
                **licence,
            }
            for download in description.downloads
        ],
    }


def dcat_service(descriptions: list[Description]) -> dict[str, Any]:
    return {
        "@id": full_url(address_of("api:root")),
        "@type": "dcat:DataService",
        "dct:title": "API",
        "dcat:endpointURL": {"@id": full_url(address_of("api:root"))},
        "dcat:endpointDescription": {"@id": full_url(address_of("api:openapi"))},
        "dcat:servesDataset": [{"@id": description.identifier} for description in descriptions],
    }


def publisher(unit: Unit) -> dict[str, Any]:
    page = full_url(unit.organisation.get_absolute_url())
    return {"@id": page, "@type": "foaf:Organization", "foaf:name": unit.name}


def data_package(descriptions: list[Description], unit: Unit) -> dict[str, Any]:
    """All datasets as a Frictionless data package, whose CSV files pass their schemas."""
    return {
        "profile": "tabular-data-package",
        "name": "open-data",
        "id": full_url(address_of("open_data:catalogue")),
        "title": f"Open data of {unit.name}",
        "homepage": full_url(address_of("open_data:catalogue")),
        "resources": [
            {
                "profile": "tabular-data-resource",
                "name": description.dataset.name,
                "title": description.title,
                "description": description.dataset.about,
                "path": full_url(description.downloads[0].url),
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "schema": description.schema,
                **licences(description),
            }
            for description in descriptions
        ],
    }


def licences(description: Description) -> dict[str, Any]:
    if not description.licence_url:
        return {}
    return {"licenses": [{"title": description.licence_name, "path": description.licence_url}]}


def schema_org(description: Description) -> dict[str, Any]:
    """The facts of a schema.org Dataset, without its columns."""
    changed = description.changed
    return {
        "@id": description.identifier,
        "identifier": description.identifier,
        "name": description.title,
        "description": description.dataset.about,
        "url": description.identifier,
        "license": description.licence_url,
        "isAccessibleForFree": True,
        "keywords": list(description.dataset.keywords),
        "creator": {"@type": "Organization", "name": description.unit.name, "url": full_url("/")},
        "dateModified": timezone.localtime(changed).isoformat(timespec="seconds") if changed else None,
        "distribution": [
            {"@type": "DataDownload", "encodingFormat": download.media_type, "contentUrl": full_url(download.url)}
            for download in description.downloads
        ],
    }


def schema_org_columns(description: Description) -> list[dict[str, str]]:
    return [
        {"@type": "PropertyValue", "name": column["name"], "description": column["description"]}
        for column in description.columns
    ]
