import json

from django.utils.safestring import SafeString

from vru_portal.web.structured_data import json_ld


def test_facts_that_are_not_stated_are_left_out():
    data = json_ld("Event", name="Moor day", location=None, url="", alternateName=[])
    assert json.loads(data) == {"@context": "https://schema.org", "@type": "Event", "name": "Moor day"}


def test_no_fact_can_end_the_script_element():
    name = '</script><script>alert("&")</script><!--'
    data = json_ld("Person", name=name)
    assert isinstance(data, SafeString)
    assert json.loads(data)["name"] == name
    assert not set("<>&") & set(data)
