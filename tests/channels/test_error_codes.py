"""The golden table: what every code is, written out a second time, so that no class changes by accident."""

from __future__ import annotations

import pytest

from channels.errors import CODES

#: class -> whether it counts for five in a row, whether it stays until a person acts, and its codes
GOLDEN = {
    "CredentialProblem": (
        True,
        True,
        """
        password_refused account_locked password_expired app_password_needed not_linked token_refused
        link_revoked google_testing sign_in_again sign_in_used identity_unproven wrong_account
        wrong_entra_account personal_account account_of_other_organisation account_blocked
        account_disabled account_password_expired consent_needed consent_refused scope_missing
        refresh_token_missing blocked_by_administrator
        """,
    ),
    "ConfigurationProblem": (
        True,
        True,
        """
        host_unknown address_not_allowed port_not_allowed certificate_not_trusted certificate_expired
        certificate_other_name tls_expected starttls_expected starttls_missing tls_failed
        not_a_mail_server sign_in_method_missing folder_missing mailbox_not_allowed unsafe_characters
        microsoft_needs_entra secret_missing uidl_missing client_secret_missing client_secret_wrong
        client_secret_is_id client_secret_expired client_not_web client_unknown tenant_unknown
        redirect_unknown user_not_assigned permission_missing registration_refused provider_refused
        gmail_api_disabled gmail_forbidden gmail_missing
        """,
    ),
    "TransientProblem": (
        True,
        False,
        """
        connection_refused connect_timeout connection_lost server_silent server_too_slow
        server_unavailable server_answer_unreadable mailbox_full
        """,
    ),
    "Throttled": (
        False,
        False,
        """
        too_many_connections quota_reached mailbox_in_use server_busy provider_busy provider_unavailable
        """,
    ),
    "OurProblem": (
        False,
        False,
        """
        internal no_network storage_failed disk_full database_failed key_missing interrupted
        sign_in_broken
        """,
    ),
    "MessageProblem": (
        False,
        False,
        """
        mail_too_large mail_cut_off mail_gone mail_withheld mail_unreadable mail_quarantined
        """,
    ),
}
ROWS = [(code, kind, counts, stays) for kind, (counts, stays, codes) in GOLDEN.items() for code in codes.split()]


@pytest.mark.parametrize(("code", "kind", "counts", "stays"), ROWS)
def test_code_is_of_its_class_and_counts_as_agreed(code: str, kind: str, counts: bool, stays: bool) -> None:
    found = CODES[code]
    assert (found.__name__, found.strikes, found.permanent) == (kind, counts, stays)


def test_table_has_every_code_once() -> None:
    assert sorted(code for code, *_ in ROWS) == sorted(CODES)
