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
        f"{PAGE}?kind=email&language=en&tone=firm&notice=copy_set",
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


def test_words_for_texts_and_calls_are_looked_at_on_the_page(site: Site) -> None:
    text = {"kind": "text", "language": "en", "tone": "firm", "text": "{{ count }} of {{ total }} <b>", "step": "look"}
    shown = site.http.post(PAGE, data=text)
    assert shown.status_code == 200
    assert "Harbour Joinery Ltd: 3 of €3,736.50 &lt;b&gt; http" in shown.text
    assert "Reply STOP to end texts." in shown.text
    assert "1 segment of 3 at most" in shown.text
    assert "Nothing is kept yet" in shown.text
    wrong = site.http.post(PAGE, data=text | {"text": "Please pay"})
    assert (wrong.status_code, "The words for text, firm (en) cannot count: it has to say" in wrong.text) == (400, True)
    call = {"kind": "call", "language": "en", "text": "{{ sender }} asks for {{ total }}.", "step": "look"}
    assert "Harbour Joinery Ltd asks for €3,736.50." in site.http.post(PAGE, data=call).text
    answer = site.http.post(PAGE, data=call | {"step": "set"}, follow_redirects=True)
    assert "Kept. These words count from now on." in answer.text
    assert "Set by owner" in answer.text
    assert "Yours" not in site.http.get(PAGE).text, "words for e-mails are others"
    assert "Yours" in site.http.get(PAGE, params={"kind": "call"}).text


def test_words_for_thanks_are_looked_at_as_e_mail(site: Site) -> None:
    form = {
        "kind": "thanks",
        "language": "en",
        "text": "Cheers\n---\nHello <i>{{ amount }}</i>\n---\nBye",
        "step": "look",
    }
    mail = site.http.post(PAGE, data=form)
    assert "default-src 'none'" in mail.headers["content-security-policy"]
    assert "Hello &lt;i&gt;€1,200.00" in mail.text
    assert "For all tones" in site.http.get(PAGE, params={"kind": "thanks"}).text
