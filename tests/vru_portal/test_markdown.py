import pytest
from django.utils.safestring import SafeString

from vru_portal.markdown import render


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Two *words* and **more**.", "<p>Two <em>words</em> and <strong>more</strong>.</p>\n"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"),
        ("3. three\n4. four", '<ol start="3">\n<li>three</li>\n<li>four</li>\n</ol>\n'),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>\n"),
        ("# One\n\n## Two", "<h3>One</h3>\n<h4>Two</h4>\n"),
        (
            "[a](https://moor.example.org/?a=1&b=2)",
            '<p><a href="https://moor.example.org/?a=1&amp;b=2" rel="noopener">a</a></p>\n',
        ),
        ("[a](/about/)", '<p><a href="/about/" rel="noopener">a</a></p>\n'),
        ("[a](tel:01632960001)", '<p><a href="tel:01632960001" rel="noopener">a</a></p>\n'),
        ("[a](mailto:a@moor.example.org)", '<p><a href="mailto:a@moor.example.org" rel="noopener">a</a></p>\n'),
        ("", ""),
    ],
)
def test_what_staff_mean_is_rendered(text, html):
    assert render(text) == html
    assert isinstance(render(text), SafeString)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('<p onclick="alert(1)">x</p>', '&lt;p onclick="alert(1)"&gt;x&lt;/p&gt;'),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("a <b onmouseover=alert(1)>b</b>", "<p>a &lt;b onmouseover=alert(1)&gt;b&lt;/b&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x](JaVaScRiPt:alert(1))", "<p>[x](JaVaScRiPt:alert(1))</p>"),
        ("[x](data:text/html;base64,PHA+)", "<p>[x](data:text/html;base64,PHA+)</p>"),
        ("[x](vbscript:x)", "<p>[x](vbscript:x)</p>"),
        ("[x](ftp://moor.example.org)", '<p><a rel="noopener">x</a></p>'),
        ("![walk](https://moor.example.org/w.png)", "<p></p>"),
        ("`<script>`", "<p><code>&lt;script&gt;</code></p>"),
    ],
)
def test_nothing_that_staff_write_can_run_or_fetch(text, html):
    assert render(text).strip() in (html, f"<p>{html}</p>")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# One", "<h3>One</h3>"),
        ("One\n===", "<h3>One</h3>"),
        ("Two\n---", "<h4>Two</h4>"),
        ("### Three", "<h5>Three</h5>"),
        ("#### Four", "<h6>Four</h6>"),
        ("###### Six", "<h6>Six</h6>"),
    ],
)
def test_headings_begin_below_those_of_the_page(text, html):
    assert render(text).strip() == html
