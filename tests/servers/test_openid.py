"""The double itself: what the real providers do, it does too."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from channels.credentials import BearerToken
from channels.errors import CredentialProblem
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Watch
from tests.servers.openid import CALLBACK, ENTRA_CLIENT, ENTRA_SECRET, TENANT, OpenIdProvider, sign_in
from tests.servers.plugin import MailboxUser

IMAP = "https://outlook.office.com/IMAP.AccessAsUser.All"
BACK = "http://localhost:8000" + CALLBACK.format("Entra")
VERIFIER = "v" * 43
CHALLENGE = "7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM"  # RFC 7636 4.2

pytestmark = pytest.mark.provider


def ask(provider: OpenIdProvider, **form: str) -> dict[str, str]:
    with requests.Session() as session:
        session.trust_env = False
        secret = {"client_id": ENTRA_CLIENT, "client_secret": ENTRA_SECRET}
        answer = session.post(
            f"{provider.tenant()}/v2.0/token", data=secret | form, verify=str(provider.ca_file), timeout=10
        )
    told: dict[str, str] = answer.json()
    return told


def code_of(provider: OpenIdProvider, account: str) -> str:
    query = {
        "client_id": ENTRA_CLIENT, "response_type": "code", "redirect_uri": BACK, "login_hint": account,
        "scope": f"openid profile offline_access {IMAP}", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    back = sign_in(f"{provider.tenant()}/v2.0/authorize?{urlencode(query)}", account, provider.ca_file)
    return dict(parse_qsl(urlsplit(back).query))["code"]


def test_refresh_token_that_comes_back_ends_the_chain(provider: OpenIdProvider) -> None:
    code = code_of(provider, "jan@acme.test")
    first = ask(provider, grant_type="authorization_code", code=code, redirect_uri=BACK, code_verifier=VERIFIER)
    second = ask(provider, grant_type="refresh_token", refresh_token=first["refresh_token"])
    again = ask(provider, grant_type="refresh_token", refresh_token=first["refresh_token"])
    after = ask(provider, grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert (again["error"], after["error"]) == ("invalid_grant", "invalid_grant")


def test_answer_is_given_so_many_times(provider: OpenIdProvider) -> None:
    provider.answer(TENANT, {"error": "temporarily_unavailable"}, status=503, times=2)
    told = [ask(provider, grant_type="client_credentials").get("error", "") for _ in range(3)]
    assert (told, provider.requests_to(TENANT)) == (["temporarily_unavailable"] * 2 + [""], 3)


@pytest.mark.dovecot
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_dovecot_takes_a_token_of_its_own_protocol_only(
    provider: OpenIdProvider, token_user: MailboxUser, protocol: str
) -> None:
    code = code_of(provider, token_user.name)
    tokens = ask(provider, grant_type="authorization_code", code=code, redirect_uri=BACK, code_verifier=VERIFIER)
    token_user.deliver(b"Subject: hallo\r\n\r\nhallo\r\n")
    with mailbox_for(protocol, token_user.server(protocol), Watch()) as mailbox:
        mailbox.resolve()
        mailbox.connect()
        mailbox.secure()
        if protocol == "pop3":  # the token is for IMAP
            with pytest.raises(CredentialProblem):
                mailbox.sign_in(BearerToken(token_user.name, tokens["access_token"]))
        else:
            mailbox.sign_in(BearerToken(token_user.name, tokens["access_token"]))
            assert mailbox.open() == 1
