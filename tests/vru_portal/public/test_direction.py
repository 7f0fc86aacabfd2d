"""A title in a script that is written from right to left is shown in its own direction, wherever it heads something."""

import pytest

from tests.support.factories import (
    AgendaItemFactory,
    EventFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    PersonFactory,
    StatementFactory,
    StoryFactory,
    UnitFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

TITLE = "معا ضد العنف"


@pytest.mark.parametrize(
    ("make", "lists"),
    [
        (lambda: StoryFactory(title=TITLE), ["/news/"]),
        (lambda: EventFactory(title=TITLE), ["/events/"]),
        (lambda: AgendaItemFactory(title=TITLE).event, []),
        (lambda: InitiativeFactory(name=TITLE), ["/initiatives/"]),
        (lambda: LevelFactory(name=TITLE), []),
        (lambda: OrganisationFactory(name=TITLE), []),
        (lambda: PersonFactory(name=TITLE), []),
        (lambda: StatementFactory(title=TITLE), []),
    ],
)
def test_a_heading_takes_the_direction_of_its_words(client, make, lists):
    UnitFactory()
    row = make()
    for address in (row.get_absolute_url(), *lists):
        page = client.get(address).text
        heads = [part for part in page.split("<h")[1:] if part[0] in "123" and TITLE in part.partition("</h")[0]]
        assert heads, address
        assert all('dir="auto"' in head.partition("</h")[0] for head in heads), address
