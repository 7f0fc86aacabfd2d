"""Files of figures as organisations send them, and reading one."""

import csv
import io

import openpyxl

from programmes.results.resources import ReturnResource
from tests.support.factories import InitiativeFactory, OrganisationFactory
from vru_portal.tabular.readers import CSV


class Sent:
    """What an organisation sends of an initiative: called, it is a row of a file."""

    def __init__(self):
        self.initiative = InitiativeFactory(name="Night walks", slug="night-walks")
        self.organisation = OrganisationFactory(name="O'Neill Trust", slug="o-neill-trust")

    def __call__(self, **cells):
        return {
            "initiative": self.initiative.name,
            "organisation": self.organisation.name,
            "quarter": "2031-32 Q1",
            "Walkers": "1,250",
            "Walkers (Age: Under 18)": "50",
            "Walkers (Age: 18 and over)": "1200",
            "Walks": "31",
            "went_well": "Many walked.",
            "went_badly": "It rained.",
            "spend": "£900.50",
        } | cells


def as_csv(rows, delimiter=","):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_xlsx(rows):
    book, file = openpyxl.Workbook(), io.BytesIO()
    book.active.append(list(rows[0]))
    for one in rows:
        book.active.append(list(one.values()))
    book.save(file)
    return file.getvalue()


def run(content, by, form=CSV, resource=ReturnResource, *, on_row_done=None, **options):
    reader = resource(by=by)
    if on_row_done:
        reader.on_row_done = on_row_done
    return reader.run(form().create_dataset(content), **{"dry_run": False} | options)
