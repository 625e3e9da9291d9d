"""Which Authentication-Results is the receiving server's, in headers as providers write them."""

from __future__ import annotations

import pytest

from channels.extract import extract

GMAIL = """\
Delivered-To: facturen@devries.test
Received: by 2002:a05:6a10:3192:b0:4f2:1c3a:9d8e with SMTP id d18csp1201;
        Fri, 20 Nov 2026 06:11:02 -0800 (PST)
X-Received: by 2002:a17:906:314c:b0:9ad:e68d:dabf with SMTP id e12-20020a17.38.17;
ARC-Authentication-Results: i=1; mx.google.com; dkim=pass header.i=@meel.test
Return-Path: <facturen@meel.test>
Received: from out.meel.test (out.meel.test. [198.51.100.7]) by mx.google.com with ESMTPS id b1;
        Fri, 20 Nov 2026 06:11:01 -0800 (PST)
Received-SPF: pass (google.com: domain of facturen@meel.test designates 198.51.100.7 as permitted sender)
Authentication-Results: mx.google.com;
       dkim=pass header.i=@meel.test header.s=s1 header.b="oQ;dmarc=x";
       spf=pass (google.com: domain of facturen@meel.test designates 198.51.100.7 as permitted sender) smtp.mailfrom=f;
       dmarc=%s (p=REJECT sp=REJECT dis=NONE) header.from=meel.test
"""
MICROSOFT = """\
Received: from AM0PR05MB1.eurprd05.prod.outlook.com (2603:10a6::1) by
 AS8PR05MB2.eurprd05.prod.outlook.com with HTTPS; Fri, 20 Nov 2026 14:11:02 +0000
Received: from DB5PEPF00014B8E.eurprd02.prod.outlook.com (2603:10a6:10:4bb:cafe::4e) by
 DUZPR01CA0093.outlook.office365.com (2603:10a6:10:4bb::11) with Microsoft SMTP Server; Fri, 20 Nov 2026 14:11:01
Authentication-Results: spf=pass (sender IP is 198.51.100.7)
 smtp.mailfrom=meel.test; dkim=pass (signature was verified)
 header.d=meel.test;dmarc=%s action=none header.from=meel.test;compauth=pass reason=100
Received-SPF: Pass (protection.outlook.com: domain of meel.test designates 198.51.100.7 as permitted sender)
Received: from out.meel.test (198.51.100.7) by DB5PEPF00014B8E.mail.protection.outlook.com (10.167.8.202) with
 Microsoft SMTP Server id 15.20; Fri, 20 Nov 2026 14:11:00 +0000
"""
FASTMAIL = """\
Return-Path: <facturen@meel.test>
Received: from phl-compute-05.internal (phl-compute-05.nyi.internal [10.202.2.45])
     by sloti22d1t06 (Cyrus 3.9.0) with LMTPA; Fri, 20 Nov 2026 09:11:02 -0500
Received: from mx6 ([10.202.2.205])
  by phl-compute-05.internal (MEProxy); Fri, 20 Nov 2026 09:11:01 -0500
Authentication-Results: mx6.messagingengine.com;
    dkim=pass (2048-bit rsa key sha256) header.d=meel.test header.i=@meel.test;
    dmarc=%s policy.published-domain-policy=reject (p=reject,has-list-id=no) header.from=meel.test;
    spf=pass smtp.mailfrom=facturen@meel.test smtp.helo=out.meel.test
Received: from out.meel.test (out.meel.test [198.51.100.7]) (using TLSv1.3) by mx6.messagingengine.com (Postfix)
"""
SOVERIN = """\
Return-Path: <facturen@meel.test>
Delivered-To: facturen@devries.test
Received: from mx.soverin.net ([10.10.4.100]) by dovecot.soverin.net with LMTP id abc; Fri, 20 Nov 2026 14:11:02
Authentication-Results: mx.soverin.net;
	dkim=pass header.d=meel.test header.s=s1; dmarc=%s (policy=reject) header.from=meel.test;
	spf=pass (mx.soverin.net: domain of facturen@meel.test designates 198.51.100.7) smtp.mailfrom=f@meel.test
Received: from out.meel.test (out.meel.test [198.51.100.7]) by mx.soverin.net (Postfix) with ESMTPS id 4c
"""
AMAVIS = """\
Received: from localhost (localhost [127.0.0.1]) by mail.devries.test (Postfix) with ESMTP id 1
Received: from out.meel.test (out.meel.test [198.51.100.7]) by mail.devries.test (Postfix) with ESMTPS id 2
Authentication-Results: mail.devries.test; dmarc=%s header.from=meel.test
"""
PROVIDERS = {"gmail": GMAIL, "microsoft": MICROSOFT, "fastmail": FASTMAIL, "soverin": SOVERIN, "amavis": AMAVIS}
REST = "From: Meelfabriek <facturen@meel.test>\nSubject: Factuur\n\nHierbij.\n"
#: what a sender may write into their own mail, to be taken for the receiving server
FORGED = """\
Authentication-Results: %s; spf=pass smtp.mailfrom=meel.test; dkim=pass; dmarc=pass header.from=meel.test
Received: from laptop.meel.test by out.meel.test with ESMTPSA; Fri, 20 Nov 2026 14:10:59 +0000
Authentication-Results: %s; dmarc=pass header.from=meel.test
"""
SERVERS = {
    "gmail": "mx.google.com",
    "microsoft": "spf=pass",
    "fastmail": "mx6.messagingengine.com",
    "soverin": "mx.soverin.net",
    "amavis": "mail.devries.test",
}


def told(headers: str) -> str:
    return extract((headers + REST).replace("\n", "\r\n").encode()).authentication


def verdict(headers: str) -> dict[str, str]:
    return dict(one.split("=") for one in told(headers).split())


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("result", ["pass", "fail"])
def test_what_the_receiving_server_wrote_is_read(provider: str, result: str) -> None:
    found = verdict(PROVIDERS[provider] % result)
    assert found.pop("dmarc") == result
    assert (
        found
        == {
            "gmail": {"spf": "pass", "dkim": "pass"},
            "microsoft": {"spf": "pass", "dkim": "pass", "compauth": "pass"},
            "fastmail": {"spf": "pass", "dkim": "pass"},
            "soverin": {"spf": "pass", "dkim": "pass"},
            "amavis": {},
        }[provider]
    )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_one_below_it_by_the_same_name_changes_nothing(provider: str) -> None:
    forged = FORGED % (SERVERS[provider], SERVERS[provider])
    assert told(PROVIDERS[provider] % "fail" + forged) == told(PROVIDERS[provider] % "fail")


@pytest.mark.parametrize(
    "headers",
    [
        "",
        # a server that writes none: whatever there is came with the mail
        "Received: from out.meel.test (out.meel.test [198.51.100.7]) by mx.kpn.test with ESMTP\n"
        + FORGED % ("mx.kpn.example", "mx.kpn.test"),
        "Received: from out.meel.test by mx.kpn.test with ESMTP\n" + MICROSOFT % "fail",
        # forwarded: the verdict is of the house that it came through first
        "Received: from mx6.messagingengine.com by mx.kpn.test with ESMTP\n" + FASTMAIL % "fail",
        "Authentication-Results: mx.devries.test; none\n",
        "Authentication-Results:\n",
        "Authentication-Results: ;;;=;(((\n",
    ],
)
def test_without_a_word_of_the_receiving_server_nothing_is_told(headers: str) -> None:
    assert told(headers) == ""


@pytest.mark.parametrize(
    "header",
    [
        'mx.devries.test; spf=fail smtp.mailfrom="a;dmarc=pass;dkim=pass"@meel.test; dkim=none; dmarc=fail',
        "mx.devries.test; spf=fail (domain of (a;dmarc=pass) b) smtp.mailfrom=x; dkim=none; dmarc=fail",
        "mx.devries.test; spf=fail smtp.mailfrom=a ;dmarc=pass; dkim=none; dmarc=fail",
        "mx.devries.test 1; SPF = Fail; dkim / 1 = none; dmarc=fail; dmarc=pass",
    ],
)
def test_what_the_sender_chose_hides_no_failure(header: str) -> None:
    assert told(f"Authentication-Results: {header}\n") == "spf=fail dkim=none dmarc=fail"


def test_one_good_signature_of_several_is_enough() -> None:
    header = "Authentication-Results: mx.devries.test; dkim=fail header.d=a; dkim=pass header.d=meel.test; spf=fail\n"
    assert told(header) == "spf=fail dkim=pass"


def test_ten_thousand_of_them_are_one() -> None:
    many = "".join(f"Authentication-Results: mx{n}.devries.test; dmarc=pass\n" for n in range(10_000))
    assert told(SOVERIN % "fail" + many) == "spf=pass dkim=pass dmarc=fail"
    assert told("Authentication-Results: mx.devries.test; " + "(" * 100_000 + "\n") == ""
    assert told("Authentication-Results: mx.devries.test; " + "dmarc=fail; " * 50_000 + "\n") == "dmarc=fail"


def test_a_reply_to_is_read_as_addresses() -> None:
    def replies(value: str) -> str:
        return extract(f"Reply-To: {value}\r\nFrom: a@b.test\r\n\r\n".encode()).reply_to

    assert replies('"Meel" <a@meel.test>, b@else.test') == "a@meel.test b@else.test"
    assert replies("nobody") == ""
    assert len(replies(", ".join(f"{n}@meel.test" for n in range(10_000))).split()) == 5


def test_a_reply_to_behind_very_many_headers_is_read() -> None:
    padding = "".join(f"X-Padding-{n}: {'x' * 5_000}\r\n" for n in range(300))
    raw = f"{padding}Reply-To: b@else.test\r\nFrom: a@b.test\r\n\r\nHallo".encode()
    assert extract(raw).reply_to == "b@else.test"
