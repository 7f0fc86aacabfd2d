"""Web addresses as they are pasted: from a browser, an email, a document."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from vru_portal.text.form_fields import WebAddressFormField
from vru_portal.text.pasting import normalise_markdown
from vru_portal.text.web_addresses import normalise_web_address, without_detours

PAGE = "https://moor.example.org/report?a=1&b=2"
QUOTED = "https%3A%2F%2Fmoor.example.org%2Freport%3Fa%3D1%26b%3D2"
OUTLOOK = (
    f"https://eur02.safelinks.protection.outlook.com/?url={QUOTED}&data=05%7C02%7Cjane%40example.org%7C0&sdata=x%3D"
)
DETOURS = [
    f"{OUTLOOK}&reserved=0",
    f"{OUTLOOK.replace('&', '&amp;')}&amp;reserved=0",
    f"https://www.google.com/url?q={QUOTED}&sa=D&source=docs&ust=1700000000&usg=AOvVaw",
    f"https://l.facebook.com/l.php?u={QUOTED}&h=AT0",
    "https://urldefense.proofpoint.com/v2/url?u=https-3A__moor.example.org_report-3Fa-3D1-26b-3D2&d=DwMFAg&c=x",
    f"https://urldefense.com/v3/__{PAGE}__;!!AbC!dEf$",
    "https://nam01.safelinks.protection.outlook.com/"
    f"?url=https%3A%2F%2Fwww.google.com%2Furl%3Fq%3D{QUOTED.replace('%', '%25')}",
]


@pytest.mark.parametrize(
    "typed",
    [
        PAGE,
        f" {PAGE}\u200b",
        f"<{PAGE}>",
        f"\u201c{PAGE}\u201d",
        f"{PAGE}.",
        PAGE.replace("report", "re\u00adport"),
        PAGE.replace("moor", "mo\u202eor"),
        *DETOURS,
    ],
)
def test_an_address_is_stored_without_what_came_along_and_leads_straight(typed):
    assert WebAddressFormField().clean(typed) == PAGE


@pytest.mark.parametrize(
    "typed",
    ["https://moor.example.org/a_(b)", "https://moor.example.org/caf\u00e9/", "http://moor.example.org:8000/#x"],
)
def test_what_belongs_to_an_address_stays(typed):
    assert normalise_web_address(typed) == typed


@pytest.mark.parametrize(
    "detour",
    [
        "https://www.google.com/search?q=https://moor.example.org",
        "https://eur02.safelinks.protection.outlook.com/ap/w-59584e83/?url=javascript%3Aalert(1)",
        "https://urldefense.com/v3/__https://moor.example.org/*a__;Iw!!AbC$",
        "https://www.google.com/url?sa=t",
    ],
)
def test_what_leads_nowhere_that_is_known_stays(detour):
    assert without_detours(detour).startswith(detour.partition("(")[0])


def test_an_address_without_https_gets_it_and_anything_else_is_refused_with_an_example():
    assert WebAddressFormField().clean("www.moor.example.org") == "https://www.moor.example.org"
    with pytest.raises(ValidationError, match="Enter a web address, such as https://"):
        WebAddressFormField().clean("our website")


@pytest.mark.parametrize("detour", DETOURS)
def test_links_in_texts_lead_straight_and_name_no_mailbox(detour):
    assert normalise_markdown(f"See {detour}.") == f"See {PAGE}."
    assert normalise_markdown(f"[the report]({detour}), and <{detour}>") == f"[the report]({PAGE}), and <{PAGE}>"


def test_an_address_cannot_end_the_link_around_it():
    detour = "https://www.google.com/url?q=https://moor.example.org/a%29%20%5Bb%5D%28javascript:x%29"
    assert normalise_markdown(f"[a]({detour})") == "[a](https://moor.example.org/a%29%20[b]%28javascript:x%29)"


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text):
    once = normalise_web_address(f"https://moor.example.org/{text}")
    assert normalise_web_address(once) == once
