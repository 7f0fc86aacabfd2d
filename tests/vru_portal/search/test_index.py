"""The engine: what is found, in which order, whatever is typed."""

from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vru_portal.search.documents import IndexEntry, ResultKind, Searchable, SearchDocument, SynonymWords
from vru_portal.search.highlighting import Marker
from vru_portal.search.index import Index

ANY = Searchable(ResultKind.PAGE, Mock(), Mock())
SMALL = Searchable(ResultKind.EVENT, Mock(), Mock(), weight=0.5)


def index_of(*documents, synonyms=(), searchable=ANY, own_names=()):
    entries = (IndexEntry(document, searchable, number) for number, document in enumerate(documents))
    return Index(entries, synonyms, own_names)


def page(title, text="", **fields):
    return SearchDocument(title, f"/{title.lower().replace(' ', '-')}/", text=text, **fields)


WALKS = index_of(
    page("Moor walks", "Walkers of all ages meet on the moor."),
    page("Path keepers", "Volunteers mend paths on the moor and in re-offending schemes."),
    page("Young walkers", "Walks for young people aged 10 to 18."),
    page("O'Neill Foundation", "A foundation that pays for boots.", names=("The Boot Fund",)),
    page("A&E boots", "Boots for people who come to A&E barefoot."),
    synonyms=[
        SynonymWords(("hike", "long walk", "hospital"), ("walks", "A&E")),
        SynonymWords(("ramblers",), ("walkers",)),
    ],
)


def titles(typed, index=WALKS):
    return [hit.entry.document.title for hit in index.find(typed).hits]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("keeper", "Path keepers"),
        ("KEEPERS!", "Path keepers"),
        ("keep path", "Path keepers"),
        ("oneill", "O'Neill Foundation"),
        ("O’Neill", "O'Neill Foundation"),
        ("o'neil foundation", "O'Neill Foundation"),
        ("boot fund", "O'Neill Foundation"),
        ("reoffending", "Path keepers"),
        ("re offending", "Path keepers"),
        ("a and e", "A&E boots"),
        ("hospital", "A&E boots"),
        ("14", "Young walkers"),
        ("my 14 year old", "Young walkers"),
        ("14-year-old", "Young walkers"),
        ("something for my 12yo to do", "Young walkers"),
        ("vol", "Path keepers"),
        ("voluntears", "Path keepers"),
        ("foudnation", "O'Neill Foundation"),
    ],
)
def test_the_page_that_comes_first(typed, first):
    assert titles(typed)[0] == first


def test_pages_with_all_words_come_before_those_with_any():
    found = WALKS.find("moor boots walks")
    assert [hit.has_all for hit in found.hits] == sorted((hit.has_all for hit in found.hits), reverse=True)
    both = WALKS.find("moor paths")
    assert [hit.entry.document.title for hit in both.hits if hit.has_all] == ["Path keepers"]
    assert "Moor walks" in titles("moor paths")


def test_a_synonym_follows_the_word_itself_and_works_one_way():
    index = index_of(page("Ramblers"), page("Walkers"), synonyms=[SynonymWords(("ramblers",), ("walkers",))])
    assert titles("ramblers", index) == ["Ramblers", "Walkers"]
    assert titles("walkers", index) == ["Walkers"]


def test_a_synonym_of_several_words_stands_for_all_of_them():
    found = WALKS.find("long walk")
    assert found.hits[0].has_all
    assert "Young walkers" in [hit.entry.document.title for hit in found.hits if hit.has_all]


def test_words_that_are_a_phrase_with_synonyms_are_looked_for_as_a_whole():
    """A youth club is neither the club of the Moor nor the Youth Board."""
    pages = (page("Moor club"), page("Youth Board"), page("Drop-in", "For young people."))
    whole = SynonymWords(("youth club",), ("young people",))
    assert titles("youth club", index_of(*pages, synonyms=[whole])) == ["Drop-in"]
    assert "Drop-in" not in titles("youth club", index_of(*pages))


def test_a_phrase_weighs_as_much_as_its_words():
    pages = (page("Leaving home"), page("Shelter", "Safe from abuse."), page("Moor"), page("Path"), page("Walk"))
    whole = SynonymWords(("violent partner",), ("abuse",))
    assert titles("leave my violent partner", index_of(*pages, synonyms=[whole]))[0] == "Shelter"


def test_words_typed_without_a_space_and_with_one_too_many_are_found():
    found = WALKS.find("bootfund")
    assert found.hits[0].entry.document.title == "O'Neill Foundation"
    assert found.corrected == [("bootfund", "boot fund")]
    assert titles("wa lkers") == ["Young walkers", "Moor walks"]


def test_words_side_by_side_are_better_than_apart():
    index = index_of(page("Anna", "Executive of the chief moor."), page("Zoe", "Chief executive of the moor."))
    assert titles("chief executive", index) == ["Zoe", "Anna"]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("walks near Leeds", "Moor trail"),  # the only one that is there
        ("walks in Hull", "Walks"),  # none is there: the list, before another page that has both words
        ("Hull walks", "The news"),  # which may be the name of something
        ("a list of walks", "Walks"),
        ("walks", "Walks"),
    ],
)
def test_what_is_narrowed_down_is_listed_first(typed, first):
    walk = Searchable(ResultKind.INITIATIVE, Mock(), Mock())
    walks = IndexEntry(page("Walks"), ANY, None, lists=(ResultKind.INITIATIVE,))
    index = Index(
        [
            walks,
            IndexEntry(page("Moor trail", "It begins at Leeds."), walk, 1),
            IndexEntry(page("The news", "Walks of Hull and Leeds in the news."), ANY, 2),
        ]
    )
    found = index.find(typed)
    assert found.hits[0].entry.document.title == first
    assert found.whole_list is (walks if typed == "walks in Hull" else None)


def test_a_word_inside_a_phrase_does_not_stand_for_a_list():
    club = IndexEntry(page("Night shelter", "For the lost."), ANY, 1)
    walks = IndexEntry(page("Walks"), ANY, None, lists=(ResultKind.INITIATIVE,))
    index = Index([walks, club], [SynonymWords(("sleep walks", "walks asleep"), ("night",))])
    assert titles("leave my sleep walks", index) == titles("walks asleep for the lost", index) == ["Night shelter"]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("Saturday 2nd October in Leeds.", "2nd October"),
        ("Saturday 2nd October in Leeds.", "2 October"),
        ("From 2 to 3 October 2031.", "2 October 2031"),
        ("October to December 2031.", "October 2031"),
    ],
)
def test_parts_of_a_date_are_found_where_a_text_states_them_apart(text, typed):
    (hit,) = index_of(page("Moor day", text)).find(typed).hits
    assert hit.has_all


def test_a_version_of_something_is_no_date_but_what_is_typed_may_be_one():
    index = index_of(page("Path", "Version 1.2.31 of the path."), page("Moor day", "On 1 February 2031."))
    assert titles("1 February 2031", index) == titles("1/2/31", index) == ["Moor day"]
    assert titles("1.2.31", index) == ["Path"]
    minutes = index_of(page("Minutes", "Minutes, 12/03/25: budget agreed."))
    assert titles("12/03/25", minutes) == titles("March 2025", minutes) == ["Minutes"]


@pytest.mark.parametrize("typed", ["walks 5 May", "walks 2031", "5 May walks"])
def test_a_date_narrows_down_what_is_looked_for(typed):
    walks = IndexEntry(page("Walks"), ANY, None, lists=(ResultKind.INITIATIVE,))
    other = IndexEntry(page("Diary", "Nothing on 5 May 2031."), ANY, 1)
    found = Index([walks, other]).find(typed)
    assert found.hits[0].entry is found.whole_list is walks


def test_a_page_that_lists_nothing_does_not_pass_for_what_has_all_words():
    cookies = IndexEntry(page("Cookies"), ANY, None, lists=())
    found = Index([cookies, IndexEntry(page("Leeds"), ANY, 1)]).find("cookies in leeds")
    assert [(hit.entry.document.title, hit.has_all) for hit in found.hits] == [("Cookies", False), ("Leeds", False)]


def test_dates_are_found_and_marked_however_they_are_written():
    index = index_of(
        page("Moor day", "It is on 5 May 2031."), page("Path day", "It is on 2031-05-06."), page("May", "5 in 2031")
    )
    for typed in ("5/5/2031", "5th of May, 2031", "2031-05-05", "may 5"):
        assert titles(typed, index) == ["Moor day"]
    assert sorted(titles("May 2031", index)) == ["Moor day", "Path day"]  # not a page that has the words apart
    assert "<mark>2031-05-06</mark>" in Marker(index.find("6 May 2031").wanted).excerpt("It is on 2031-05-06.")


def test_words_that_say_nothing_are_left_out_unless_there_are_no_others():
    assert titles("what is there about the moor") == titles("moor")
    assert titles("for the") == [] or all(titles("for the"))


def test_the_name_of_the_site_itself_is_no_condition():
    """Somebody who types it with other words is on the right site, and is looking for the other words there."""
    documents = (
        page("Moor Wardens", names=("MW",)),
        page("What Moor Wardens cost", "MW in figures"),
        page("Budget"),
        page("Northern Moor Wardens"),
    )
    plain, named = index_of(*documents), index_of(*documents, own_names=["Moor Wardens", "MW"])
    assert not any(hit.has_all for hit in plain.find("the MW's budget").hits)
    assert named.find("the MW's budget").hits[0].has_all
    assert titles("the MW's budget", named)[0] == titles("budget of the Moor Wardens", named)[0] == "Budget"
    assert titles("Northern MW", named)[0] == titles("northern moor wardens", named)[0] == "Northern Moor Wardens"
    assert titles("MW", named)[0] == titles("moor wardens", named)[0] == "Moor Wardens"


def test_a_spelling_correction_is_shown_and_a_missing_word_is_named():
    found = WALKS.find("foudnation xylophone")
    assert found.corrected == [("foudnation", "foundation")]
    assert found.missed == ["xylophone"]
    assert WALKS.find("moor").corrected == []


def test_short_words_and_numbers_are_not_corrected():
    assert WALKS.find("moot").corrected == []  # another word, not a slip
    assert WALKS.find("mooor").corrected == [("mooor", "moor")]
    assert WALKS.find("2099").hits == []


def test_the_obvious_best_answer_is_named_so_or_well_ahead():
    assert WALKS.find("path keepers").best.entry.document.title == "Path keepers"
    assert WALKS.find("moor").best is None or WALKS.find("moor").best.entry.document.title == "Moor walks"
    assert index_of(page("Moor east"), page("Moor west")).find("moor").best is None
    assert WALKS.find("moor xylophone").best is None


def test_of_equal_pages_the_kind_that_is_asked_for_more_comes_first():
    entries = [IndexEntry(page("Moor", "b"), SMALL, 1), IndexEntry(SearchDocument("Moor", "/other/", text="b"), ANY, 2)]
    assert [hit.entry.key for hit in Index(entries).find("moor").hits] == [2, 1]


def test_a_page_is_found_once_by_its_best_part():
    twice = index_of(SearchDocument("Moor", "/m/"), SearchDocument("Walk on the moor", "/m/"))
    assert titles("moor", twice) == ["Moor"]


OPERATORS = [
    '"',
    '""',
    '"moor',
    "moor*",
    "*",
    "moor:*",
    "NEAR(moor walks)",
    "moor AND",
    "OR",
    "NOT moor",
    "-moor",
    "^moor",
]
OPERATORS += [
    "title:moor",
    "moor & walks",
    "moor | !",
    "(",
    ")",
    "{moor}",
    "+",
    "' OR 1=1 --",
    "\\",
    "%",
    "_",
    "moor\0",
]


@pytest.mark.parametrize("typed", [*OPERATORS, "moor " * 2_000, "x" * 10_000, "🚶" * 50, "\u202emoor", "١٤", "走路"])
def test_no_search_is_an_operator_or_a_fault(typed):
    found = WALKS.find(typed)
    if "moor" in typed:
        assert "Moor walks" in [hit.entry.document.title for hit in found.hits], typed


@given(st.text(max_size=300))
def test_any_text_is_answered(typed):
    found = WALKS.find(typed)
    marker = Marker(found.wanted)
    for hit in found.hits:
        marker.mark(hit.entry.document.title)
        marker.excerpt(hit.entry.document.text)


PLACED = Index(
    [
        IndexEntry(page("Walks", names=("Trails", "Near me")), ANY, None, lists=(ResultKind.EVENT,)),
        IndexEntry(page("Moor walk", "It is on 5 May 2031 for people aged 10 to 18."), SMALL, 1),
        IndexEntry(page("The Moor Wardens", names=("MW",)), ANY, 2),
    ],
    [
        SynonymWords(("long trails", "trails long", "hike"), ("walk", "not there")),
        SynonymWords(("moor",), ("wardens",)),
    ],
    ["Moor Wardens", "MW"],
)
SAID = (
    *("walks", "trails", "long", "hike", "moor", "wardens", "MW", "the", "in", "near", "of", "for", "on", "nearme"),
    *("5", "May", "2031", "5/5/2031", "aged", "14", "wark", "xylophone"),
)


@given(st.lists(st.sampled_from(SAID), max_size=8).map(" ".join))
def test_any_words_are_answered_in_any_order(typed):
    found = PLACED.find(typed)
    assert [hit.has_all for hit in found.hits] == sorted((hit.has_all for hit in found.hits), reverse=True)
    Marker(found.wanted).excerpt("The moor wardens walk on 2031-05-05.")


def test_the_words_are_marked_and_nothing_else_is_html():
    marker = Marker(WALKS.find("walking moor").wanted)
    assert marker.mark("<b> Walks & walked") == "&lt;b&gt; <mark>Walks</mark> &amp; <mark>walked</mark>"
    assert marker.mark("The moor's edge") == "The <mark>moor&#x27;s</mark> edge"


def test_an_excerpt_begins_near_the_first_word_and_ends_between_words():
    marker = Marker(WALKS.find("moor").wanted)
    excerpt = marker.excerpt("# Heading\n\nWord " * 40 + "on the *moor* at last" + " and on" * 60)
    assert excerpt.startswith("… ")
    assert excerpt.endswith(" …")
    assert "<mark>moor</mark> at last" in excerpt
    assert len(excerpt) < 300
    assert marker.excerpt("Nothing of it.") == ""


def test_an_excerpt_tells_paragraphs_and_fields_apart():
    assert Marker(WALKS.find("moor").wanted).excerpt("Over the moor\n\n- In spring\n\n\n\nYoung people") == (
        "Over the <mark>moor</mark> · In spring · Young people"
    )


def test_an_empty_index_answers():
    assert index_of().find("moor").hits == []
    assert index_of().find("moor").best is None
