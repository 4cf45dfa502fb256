"""What a payer wrote themselves: without what they quote and how they sign, and in which language.

Line by line, so that no mail takes long: mail-parser-reply, which knows the same marks, took 95 s for 20,000 line ends.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

MAX_WORDS_CHARS = 4_000  # of what is read; whoever writes more is read by a person anyway
_MAX_MAIL_CHARS = 20_000  # of what quotes and signatures are looked for in
_MAX_LINE_CHARS = 400  # of a line that may be a mark
_QUOTED = re.compile(
    r"-{2,} ?(?:original message|ursprungliche nachricht|message d origine|forwarded message|weitergeleitete nachricht"
    r"|message transfere) ?-{2,}|_{10,}|(?:on|am|le)\b.*\d.*(?:wrote|schrieb\b.*|a ecrit) ?:"
)
_QUOTED_BEGIN = re.compile(r"(?:on|am|le)\b.*\d.*[<@,]")  # a mark that goes on in the next line
_HEADER = re.compile(r"(?:from|von|de) ?: .*")
_HEADER_AFTER = re.compile(r"(?:sent|date|gesendet|datum|envoye|to|an|a|subject|betreff|objet) ?: .*")
_SIGNED = re.compile(
    r"--|(?:(?:with )?(?:kind|best|warm|many)(?:est)? )?(?:regards|wishes|thanks)|sincerely(?: yours)?|cheers"
    r"|yours .{3,12}|(?:mit )?(?:freundlichen?|besten?|vielen?|herzlichen?|schone[nr]?|liebe[nr]?) gru(?:ss|\u00df)e?n?"
    r"|mfg|vg|lg"
    r"|(?:bien )?cordialement|bien a vous|(?:meilleures|sinceres) salutations|salutations(?: distinguees)?"
    r"|(?:sent from|von meinem|gesendet von|envoye de|get outlook for) .{1,30}"
)
# A full stop after one or two digits is a German day or a number, not the end of a sentence.
_SENTENCE_END = re.compile(r"(?<!\b\d)(?<!\b\d\d)\.(?=\s)|[!?](?=\s|$)|;(?=\s)|\n\s*\n")
_TELLING = {
    "en": frozenset(
        "the and is are you we i to of for this have has will not please it was my our your can be".split()
    ),
    "de": frozenset("der die das und ist sie wir ich nicht bitte haben zu den ein eine wird am mit auf noch".split()),
    "fr": frozenset("le la les et est vous nous je ne pas merci de des un une pour avons sera au ce cette".split()),
}


def own_words(text: str) -> str:
    """Return what the writer of a mail added to it, without quotes and signature, at most MAX_WORDS_CHARS characters.

    Answers that stand below or between quotes are kept; what is nothing but a quote or a signature is returned whole.
    """
    mail = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))[:_MAX_MAIL_CHARS]
    words = re.sub(r"\n{3,}", "\n\n", "\n".join(_own_lines(mail.split("\n")))).strip()
    return (words or mail.strip())[:MAX_WORDS_CHARS].strip()


def _own_lines(lines: Sequence[str]) -> Iterator[str]:
    """Yield the writer's lines, up to a signature or the mail that is answered; one above everything is passed over."""
    said = False  # a greeting may look like a signature, as long as nothing was said before it
    marks = [folded(line.strip())[:_MAX_LINE_CHARS].strip(" ,.!*") for line in lines]
    for number, mark in enumerate(marks):
        following = marks[number + 1 : number + 4]
        is_quoted = _QUOTED.fullmatch(mark) or (following and _QUOTED_BEGIN.match(mark) and _wraps(mark, following[0]))
        is_head = _HEADER.fullmatch(mark) and any(_HEADER_AFTER.fullmatch(each) for each in following)
        if is_head or (said and (is_quoted or _SIGNED.fullmatch(mark))):
            return
        if not is_quoted and not mark.startswith(">"):
            yield lines[number].rstrip()
            said = said or bool(mark)


def _wraps(mark: str, following: str) -> bool:
    return _QUOTED.fullmatch(f"{mark} {following}"[:_MAX_LINE_CHARS]) is not None


def folded(words: str) -> str:
    """Return `words` in small letters without accents or apostrophes, each character in its old place."""
    return "".join(_fold(letter) for letter in words)


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each sentence of `text` begins and ends, its mark included; a line may break within one."""
    begin = 0
    for mark in [*_SENTENCE_END.finditer(text), None]:
        end = len(text) if mark is None else mark.end()
        start = begin + len(text[begin:end]) - len(text[begin:end].lstrip())
        if start < end:
            yield start, end
        begin = end


def language_of(text: str) -> str | None:
    """Return the language that most telling words of a folded text are of; None when they do not say."""
    words = re.findall(r"[a-z]+", text)
    counts = {language: sum(word in telling for word in words) for language, telling in _TELLING.items()}
    best, second = sorted(counts.values(), reverse=True)[:2]
    return max(counts, key=lambda language: counts[language]) if best > second else None


def _fold(letter: str) -> str:
    if letter in "'’‘`´":
        return " "
    plain = unicodedata.normalize("NFD", letter)[0].lower()
    return plain if len(plain) == 1 else letter
