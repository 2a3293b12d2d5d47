"""Pages of package indexes, recorded and made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from nixrepro.errors import FetchError
from nixrepro.http import Answer, Http
from nixrepro.registries import simple

RECORDED = Path(__file__).parents[1] / "recorded"
URL = "https://pypi.example/simple/termcolor/"
JSON = "application/vnd.pypi.simple.v1+json"


def parse(body: bytes | str, kind: str = "text/html", url: str = URL):
    return simple.parse(Answer(body.encode() if isinstance(body, str) else body, kind, url))


def test_json_and_html_of_one_index_say_the_same():
    json = parse((RECORDED / "simple-termcolor.json").read_bytes(), JSON)
    html = parse((RECORDED / "simple-termcolor.html").read_bytes())
    assert {(link.name, link.url, link.sha256) for link in json} == {
        (link.name, link.url, link.sha256) for link in html
    }
    assert {link.name: link.size for link in json}["termcolor-1.1.0.tar.gz"] == 3912
    assert all(link.size == 0 for link in html)
    assert len(html) == 3


@pytest.mark.parametrize(
    ("page", "url"),
    [
        ('<a href="../../f/a%2Bb.whl#sha256=ab">x</a>', "https://pypi.example/f/a%2Bb.whl"),
        ('<A HREF="/f/a%2Bb.whl">x</A>', "https://pypi.example/f/a%2Bb.whl"),
        (
            '<base href="https://f.example/x/"><a href="a+b.whl">x</a>',
            "https://f.example/x/a+b.whl",
        ),
        (
            '<a href="https://f.example/a+b.whl?x=1&amp;y=2#egg=a">x',
            "https://f.example/a+b.whl?x=1&y=2",
        ),
    ],
)
def test_links_are_read_as_browsers_read_them(page, url):
    (link,) = parse(page)
    assert (link.name, link.url) == ("a+b.whl", url)


def test_a_link_without_a_target_is_none():
    assert parse("<a>x</a><a href=''>y</a><b href='z'>") == ()


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"files": 3}', '{"files": [{}]}', "<html>"])
def test_what_is_no_page_is_an_error(body):
    with pytest.raises(FetchError, match="not a page of a package index"):
        parse(body, JSON)


def test_a_file_index_needs_no_server(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/index.html").write_text('<a href="../f/a-1.whl">a</a>', encoding="utf-8")
    (link,) = simple.project(Http(), tmp_path.as_uri(), "a")
    assert link.url == (tmp_path / "f/a-1.whl").as_uri()


def test_an_unknown_project_has_no_files(server):
    assert simple.project(Http(), server.url, "a") == ()
    assert server.asked == [("/a/", "")]


def test_find_links_may_be_a_folder_a_page_or_a_url(server, tmp_path: Path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links/a-1.whl").write_bytes(b"")
    (tmp_path / "page.html").write_text('<a href="a-2.whl">', encoding="utf-8")
    server.files["/links"] = b'<a href="a-3.whl">'
    places = ("links", (tmp_path / "links").as_uri(), "page.html", f"{server.url}/links")
    found = [simple.page(Http(), place, tmp_path)[0].name for place in places]
    assert found == ["a-1.whl", "a-1.whl", "a-2.whl", "a-3.whl"]
