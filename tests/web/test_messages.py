"""The page of messages: own words are looked at as e-mail, set, and told what is wrong with them."""

from __future__ import annotations

from tests.web.conftest import Site

PAGE = "/o/org-a/messages"
OWN = "About {{ number }}\n---\nGood day {{ recipient }}, <b>{{ total }}</b>.\n---\nThanks"
FORM = {"language": "en", "tone": "firm", "text": OWN.replace("\n", "\r\n")}


def test_own_words_are_looked_at_and_set_and_taken_back(site: Site) -> None:
    assert "Please settle" in site.http.get(PAGE, params={"tone": "firm"}).text
    mail = site.http.post(PAGE, data=FORM | {"step": "look"})
    assert mail.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in mail.headers["content-security-policy"]
    assert "Good day Birch &amp; Sons, &lt;b&gt;" in mail.text
    assert "INV-2041" in mail.text
    assert "Yours" not in site.http.get(PAGE).text, "looking sets nothing"
    answer = site.http.post(PAGE, data=FORM | {"step": "set"})
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"{PAGE}?language=en&tone=firm&notice=copy_set",
    )
    shown = site.http.get(answer.headers["location"]).text
    assert "Good day {{ recipient }}" in shown
    assert "Kept. These words count from now on." in shown
    assert "Yours" not in site.http.get("/o/org-b/messages").text
    site.http.post(PAGE, data=FORM | {"step": "ours"})
    assert "Yours" not in site.http.get(PAGE).text


def test_what_is_wrong_is_said_and_the_words_are_kept(site: Site) -> None:
    for step in ("look", "set"):
        answer = site.http.post(PAGE, data=FORM | {"text": "{{ <i> }}", "step": step})
        assert answer.status_code == 400
        assert "The words for firm (en) cannot count: " in answer.text
        assert "{{ &lt;i&gt; }}</textarea>" in answer.text
    assert site.http.post(PAGE, data=FORM | {"text": "", "step": "set"}).status_code == 400
