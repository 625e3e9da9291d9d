"""An address is confirmed by its reader, and a document goes there: with a mouse, and on a phone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Browse, MakeStage
from tests.browser.test_out_of_the_door import whole
from tests.browser.test_pages_accessible import keep_picture, problems

pytestmark = [pytest.mark.browser, pytest.mark.redis]
NL = SimpleNamespace(
    address="E-mailadres van het boekhoudpakket", send="Link sturen", waits="Nog niet bevestigd", confirm="Bevestigen",
    confirmed="Bevestigd", forward="Doorsturen", doing="1 document wordt doorgestuurd", done="Doorgestuurd naar",
)  # fmt: skip
EN = SimpleNamespace(
    address="Email address of the accounting package", send="Send the link", waits="Not confirmed yet",
    confirm="Confirm", confirmed="Confirmed", forward="Forward", doing="1 document is being forwarded",
    done="Forwarded to",
)  # fmt: skip
SHELF = """
from uuid import UUID
from tests.documents.conftest import Shelf
answer = str(Shelf(UUID(administration)).document(b"tekst", content_type="text/plain", filename="bon.txt").pk)
"""
#: the mail went to a folder; a link of the same kind, whose token the test knows
KNOWN_TOKEN = """
from documents.forward_models import ForwardAddress
from zenvoices.lib.links import hashed
ForwardAddress.objects.filter(administration=administration).update(token_sha256=hashed(token))
"""

#: whoever sends it, a worker or this
STATES = """
from documents.forward_mail import send_due
from documents.forward_models import Forward
send_due(9)
answer = list(Forward.objects.filter(administration=administration).values_list("state", flat=True))
"""


@pytest.mark.parametrize(("language", "words", "width"), [("nl", NL, 1280), ("en", EN, 390)])
def test_a_document_goes_to_the_address_that_was_confirmed(
    language: str, words: SimpleNamespace, width: int, make_stage: MakeStage, browse: Browse
) -> None:
    stage = make_stage(language)
    document = stage.portal.ask(SHELF, administration=stage.administration)
    page, reader = browse(stage.anna, language), browse("", language)
    settings = stage.address("documents/forward/address/")
    page.set_viewport_size({"width": width, "height": 844})

    page.goto(settings)
    page.get_by_label(words.address).fill("inkoop@pakket.test")
    page.get_by_role("button", name=words.send).click()
    expect(page.get_by_text(words.waits)).to_be_visible()
    token = stage.administration.replace("-", "")
    stage.portal.ask(KNOWN_TOKEN, administration=stage.administration, token=token)
    reader.goto(f"{stage.portal.url}/forward-address/{token}")
    assert whole(reader, language) == []
    reader.get_by_role("button", name=words.confirm).click()
    expect(reader.get_by_role("heading", name=words.confirmed)).to_be_visible()
    assert problems(page, settings, language) == []

    page.set_viewport_size({"width": width, "height": 844})
    page.goto(stage.address(f"documents/{document}/"))
    page.get_by_role("button", name=words.forward).click()
    keep_picture(page)
    assert whole(page, language) == []
    page.get_by_role("button", name=words.forward).click()
    expect(page.get_by_text(words.doing)).to_be_visible()
    stage.portal.wait_until(
        lambda: stage.portal.ask(STATES, administration=stage.administration) == ["sent"], "the document leaves"
    )
    page.goto(stage.address(f"documents/{document}/"))
    expect(page.get_by_text(words.done)).to_be_visible()
    page.set_viewport_size({"width": width, "height": 844})
    keep_picture(page)
