"""The launch unit's brochure as sheets of paper."""

from contextlib import closing
from io import BytesIO

import pytest
from pypdf import PdfReader

FEWEST_WORDS = 60


@pytest.mark.django_db
@pytest.mark.once
@pytest.mark.usefixtures("launch_unit")
def test_no_sheet_has_little_more_than_a_note_of_sources(client):
    with closing(client.get("/brochure.pdf")) as response:
        _cover, *sheets, _contact = PdfReader(BytesIO(response.getvalue())).pages
    texts = [" ".join(sheet.extract_text().split()) for sheet in sheets]
    assert [text for text in texts if len(text.split()) < FEWEST_WORDS] == []
    agenda = next(text for text in texts if text.startswith("Agenda"))
    assert "Lunch" in agenda
    assert "As at 2 October 2019. Launch brochure, “Agenda”, “Carver Anderson" in agenda
