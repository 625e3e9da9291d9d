"""Five scheduled failures in a row: inactive, everybody with access is told, and *Herstellen* mends it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Browse
from tests.browser.whole import Stage
from tests.browser.words import NL
from tests.channels.linked import mail
from tests.documents.files import pdf
from tests.servers.plugin import MailboxUser

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.redis]


@pytest.mark.guard
def test_wrong_password_until_inactive_and_mended(stage: Stage, browse: Browse, mailbox_user: MailboxUser) -> None:
    mailbox_user.deliver(mail("Factuur 1", ("factuur-1.pdf", pdf())))
    channel = stage.channel(mailbox_user, password="oud wachtwoord")
    page = browse(stage.anna)
    for failures in range(1, 6):
        stage.make_due(channel)
        stage.portal.wait_until(lambda n=failures: failures_of(stage, channel) == n, f"failure {failures}")
        page.goto(stage.address("channels/"))
        row = page.get_by_role("row", name=mailbox_user.name)
        if failures < 5:
            expect(row).to_contain_text(f"Mislukt {failures} van 5 sinds")
    expect(row).to_contain_text(NL.inactive)
    expect(row).to_contain_text("5 keer mislukt")
    expect(row).to_contain_text("de server kent deze gebruikersnaam of dit wachtwoord niet")

    # Everybody with access, and nobody else.
    for name in ("gerda", "arie"):
        other = browse(stage.person(name))
        other.goto("/")
        expect_notice(other, mailbox_user.name)
    stranger = browse(stage.person("charlie"))
    stranger.goto("/")
    assert unread(stranger) == 0
    stranger.get_by_role("link", name=NL.notifications).click()
    expect(stranger.get_by_text("Geen meldingen")).to_be_visible()

    bert = browse(stage.person("bert"))
    bert.goto("/")
    expect_notice(bert, mailbox_user.name)
    bert.get_by_role("link", name=f"{NL.fix} : Kanaal {mailbox_user.name} is inactief").click()
    expect(bert.get_by_text("de server kent deze gebruikersnaam of dit wachtwoord niet")).to_be_visible()
    bert.get_by_text("vervangen").click()
    bert.get_by_label(NL.password, exact=True).fill(mailbox_user.password)
    bert.get_by_role("button", name=NL.save, exact=True).click()
    mended = bert.get_by_role("row", name=mailbox_user.name)
    expect(mended).to_contain_text(NL.active)
    expect(mended).not_to_contain_text("keer mislukt")

    # What waited comes in with the next fetch of the schedule.
    stage.make_due(channel)
    stage.portal.wait_until(lambda: mailbox_user.unread() == 0, "the waiting mail")
    bert.goto(stage.address("documents/"))
    expect(bert.locator("[data-row]")).to_contain_text(["factuur-1.pdf"])
    bert.goto("/notifications/")
    expect(bert.get_by_role("listitem").filter(has_text="is inactief sinds")).to_contain_text("opgelost om")


def failures_of(stage: Stage, channel: str) -> int:
    return int(
        stage.portal.ask(
            "from channels.models import Channel\nanswer = Channel.objects.get(pk=channel).failures", channel=channel
        )
    )


def unread(page: Page) -> int:
    badge = page.locator(".bar-bell .badge")
    return int(badge.inner_text().split()[-1]) if badge.count() else 0


def expect_notice(page: Page, channel: str) -> None:
    assert unread(page) >= 1  # a Beheerder was told at the first failure already: the password is no passing trouble
    page.get_by_role("link", name=NL.notifications).click()
    notice = page.locator(".note", has_text=f"Kanaal {channel} is inactief sinds")
    expect(notice).to_have_count(1)
    expect(notice).to_contain_text("Ophalen is vijf keer achter elkaar mislukt.")
