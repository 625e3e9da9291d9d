"""What a rule leaves out: one table of mails and files, without a mailbox."""

from __future__ import annotations

import pytest

from channels.rules import About, BadPattern, FileFacts, Kind, MailFacts, Rule, Rules, address_pattern, text_pattern
from channels.rules.patterns import fits


def never(about: About, value: str, key: str = "r") -> Rule:
    return Rule(key, about, only=False, value=value)


def only(about: About, value: str, key: str = "r") -> Rule:
    return Rule(key, about, only=True, value=value)


def mail(sender: str = "info@vattenfall.nl", subject: str = "Factuur 12", *to: str) -> MailFacts:
    return MailFacts(sender, to or ("inkoop@devries.test",), subject)


@pytest.mark.parametrize(
    ("typed", "sender", "is_it"),
    [
        ("info@vattenfall.nl", "Info@Vattenfall.NL", True),
        ("info@vattenfall.nl", "info2@vattenfall.nl", False),
        ("vattenfall.nl", "info@vattenfall.nl", True),
        ("@vattenfall.nl", "info@vattenfall.nl", True),
        ("vattenfall.nl", "info@mail.vattenfall.nl", False),
        ("vattenfall.nl", "info@evilvattenfall.nl", False),
        ("*.vattenfall.nl", "info@mail.vattenfall.nl", True),
        ("*.vattenfall.nl", "info@vattenfall.nl", False),
        ("*vattenfall*", "info@mail.vattenfall.nl", True),
        ("nieuws*@vattenfall.nl", "nieuwsbrief@vattenfall.nl", True),
        ("*", "wie@dan.ook", True),
        ("*", "", True),
        ("müller.de", "kasse@xn--mller-kva.de", True),
        ("xn--mller-kva.de", "kasse@MÜLLER.de", True),
        ("*.müller.de", "kasse@mail.xn--mller-kva.de", True),
        ("mailto:<info@vattenfall.nl>", "info@vattenfall.nl", True),
        ("i.fo@vattenfall.nl", "info@vattenfall.nl", False),
    ],
)
def test_sender_is_an_address_a_domain_alone_or_what_a_star_stands_for(typed: str, sender: str, is_it: bool) -> None:
    pattern = address_pattern(typed)
    refuses, allows = Rules((never(About.SENDER, pattern),)), Rules((only(About.SENDER, pattern),))
    assert (refuses.of_mail(mail(sender)) is not None, allows.of_mail(mail(sender)) is None) == (is_it, is_it)


@pytest.mark.parametrize("typed", ["", "jan", "jan@", "a b@x.nl", "jan@piet@x.nl", "@", "jan@local", "*ü*.de", "a..nl"])
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(BadPattern):
        address_pattern(typed)


@pytest.mark.parametrize("typed", ["", "  ", "*", " * * ", "a*b*c*d*e*f*g"])
def test_what_says_nothing_of_a_subject_is_refused(typed: str) -> None:
    with pytest.raises(BadPattern):
        text_pattern(typed)


@pytest.mark.parametrize(
    ("typed", "subject", "is_it"),
    [
        ("nieuwsbrief", "Onze NIEUWSBRIEF van mei", True),
        ("order*bevestigd", "Uw order 12 is bevestigd!", True),
        ("order*bevestigd", "bevestigd: order 12", False),
        ("cafe\u0301", "Rekening CAFÉ", True),
        ("[a-z]", "abc", False),
        ("straße", "STRASSE", True),
    ],
)
def test_subject_contains_words_whatever_their_capitals(typed: str, subject: str, is_it: bool) -> None:
    rules = Rules((never(About.SUBJECT, text_pattern(typed)),))
    assert (rules.of_mail(mail(subject=subject)) is not None) == is_it


def test_recipient_is_any_of_those_that_the_mail_names() -> None:
    rules = Rules((only(About.RECIPIENT, "inkoop+*@devries.test"),))
    assert rules.of_mail(mail("a@b.nl", "", "jan@devries.test", "Inkoop+energie@devries.test")) is None
    assert rules.of_mail(mail("a@b.nl", "", "jan@devries.test")) == Rule(
        "only-recipient", About.RECIPIENT, only=True, value="inkoop+*@devries.test"
    )


def test_what_is_refused_is_refused_whatever_allows_it_and_one_that_allows_is_enough() -> None:
    refused = never(About.SENDER, "spam@b.nl", "no")
    rules = Rules((only(About.SENDER, "*@a.nl", "1"), only(About.SENDER, "*@b.nl", "2"), refused))
    assert rules.of_mail(mail("x@a.nl")) is None
    assert rules.of_mail(mail("x@b.nl")) is None
    assert rules.of_mail(mail("spam@b.nl")) == refused
    assert rules.of_mail(mail("x@c.nl")) == Rule("only-sender", About.SENDER, only=True, value="*@a.nl, *@b.nl")


def test_rules_about_different_things_all_hold() -> None:
    rules = Rules((only(About.SENDER, "*@a.nl"), only(About.SUBJECT, "factuur")))
    assert rules.of_mail(mail("x@a.nl", "Factuur")) is None
    assert rules.of_mail(mail("x@a.nl", "Nieuws")) is not None
    assert rules.of_mail(mail("x@b.nl", "Factuur")) is not None


def test_long_list_of_those_allowed_is_told_short() -> None:
    rules = Rules(tuple(only(About.SENDER, f"*@{name}.nl", name) for name in "abcde"))
    left_out_by = rules.of_mail(mail("x@z.nl"))
    assert left_out_by is not None
    assert left_out_by.value == "*@a.nl, *@b.nl, *@c.nl, …"


def test_files_are_left_out_by_kind_and_pictures_by_size() -> None:
    small = Rule("p", About.PICTURE, only=False, value="300")
    rules = Rules((small, only(About.KIND, "pdf", "a"), only(About.KIND, "picture", "b")))
    assert rules.of_file(FileFacts(Kind.PDF)) is None
    assert rules.of_file(FileFacts(Kind.PICTURE, 300)) is None
    assert rules.of_file(FileFacts(Kind.PICTURE, 299)) == small
    assert rules.of_file(FileFacts(Kind.PICTURE, 0)) is None
    assert rules.of_file(FileFacts(Kind.OFFICE)) == Rule("only-kind", About.KIND, only=True, value="pdf, picture")
    assert (rules.look_at_mails, rules.of_mail(mail())) == (False, None)


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("application/pdf", "pdf"),
        ("image/heic", "picture"),
        ("application/xml", "xml"),
        ("application/msword", "office"),
        ("application/vnd.ms-outlook", "other"),
    ],
)
def test_kinds_are_what_a_person_calls_them(content_type: str, kind: str) -> None:
    assert Kind.of(content_type) == kind


def test_piece_is_looked_for_behind_the_one_before_it() -> None:
    assert fits("a*ab*b", "aabb")
    assert not fits("ab*ba", "aba")
    assert not fits("*".join("a" * 20) + "b", "a" * 100_000)
