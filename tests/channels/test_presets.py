"""The known providers: which one is meant, what is offered, and what nothing can reach."""

from __future__ import annotations

import pytest
from django.utils import translation

from channels import presets
from channels.pages.forms import ChannelForm
from channels.presets import PRESETS, Basis, preset_for
from scripts import provider_page
from tests.channels.test_forms import TYPED, codes

ASKED_FOR = [
    "Proton Mail", "Zoho", "GMX", "AOL", "Fastmail", "Yandex", "Mail.ru", "mijndomein", "Vimexx", "Antagonist",
    "Soverin", "Hostnet", "STRATO", "one.com", "TransIP", "IONOS", "Gmail", "iCloud", "KPN", "Ziggo", "Yahoo",
]  # fmt: skip


@pytest.mark.parametrize("name", ASKED_FOR)
def test_provider_is_found_by_its_name(name: str) -> None:
    preset = preset_for(name.upper())
    assert preset is not None
    assert preset.provider == name


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.provider)
def test_own_addresses_and_hosts_lead_to_the_same_provider(preset: presets.Preset) -> None:
    typed = [f"jan@{domain}" for domain in preset.domains] + list(preset.hosts)
    typed += [server for server in (preset.imap, preset.pop3) if server and "{" not in server]
    assert {found.provider for found in map(preset_for, typed) if found} == {preset.provider}
    assert None not in map(preset_for, typed)


def test_no_domain_belongs_to_two() -> None:
    domains = [domain for preset in PRESETS for domain in preset.domains] + list(presets.MICROSOFT_DOMAINS)
    assert sorted(domains) == sorted(set(domains))


def test_every_row_says_where_it_is_from() -> None:
    assert [preset.provider for preset in PRESETS if not preset.source] == []
    undated = {preset.provider for preset in PRESETS if not preset.read_on}
    assert undated == {preset.provider for preset in PRESETS if preset.source.startswith("from memory")} - {"Vimexx"}
    assert {preset.basis for preset in PRESETS if not preset.read_on} == {Basis.NOT_CONFIRMED}


def test_page_is_the_table() -> None:
    assert provider_page.PAGE.read_text(encoding="utf-8") == provider_page.page()


@pytest.mark.parametrize(
    ("field", "typed", "provider"),
    [("username", "jan@proton.me", "Proton Mail"), ("username", "JAN@PM.ME", "Proton Mail"),
     ("host", "mail.protonmail.ch", "Proton Mail"), ("username", "jan@tuta.io", "Tuta")],
)  # fmt: skip
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_what_no_server_can_read_is_refused_with_what_to_do(
    protocol: str, field: str, typed: str, provider: str
) -> None:
    for language, step in [("nl", "Stuur je facturen door"), ("en", "Forward your invoices")]:
        with translation.override(language):
            form = ChannelForm(TYPED | {field: typed, "protocol": protocol})
            assert codes(form) == {field: ["unreachable"]}
            said = form.errors[field][0]
        assert said.startswith(provider)
        assert step in said
