"""The golden table: every code, written out a second time, so that no class and no owner changes by accident."""

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
        refresh_token_missing blocked_by_administrator password_or_protocol_off full_address_needed
        sign_in_by_browser account_gone account_restricted account_at_risk device_not_allowed
        sign_in_frequency
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
        gmail_api_disabled gmail_forbidden gmail_missing folder_not_allowed protocol_off blocked_here
        exchange_missing app_not_in_tenant app_permission_missing client_is_spa client_deleted
        client_disabled client_certificate_wrong client_certificate_expired uidvalidity_missing
        certificate_incomplete certificate_not_yet_valid certificate_weak client_certificate_wanted
        tls_version_old tls_ciphers_old other_protocol app_not_allowed
        move_not_possible label_not_possible target_missing target_deletes
        """,
    ),
    "TransientProblem": (
        True,
        False,
        """
        connection_refused connect_timeout connection_lost server_silent server_too_slow
        server_unavailable server_answer_unreadable mailbox_full sign_in_refused exchange_not_connected
        exchange_not_connected_shared exchange_not_connected_app
        """,
    ),
    "Throttled": (
        False,
        False,
        """
        too_many_connections quota_reached mailbox_in_use server_busy provider_busy provider_unavailable
        provider_clock_wrong sign_in_hours
        """,
    ),
    "OurProblem": (
        False,
        False,
        """
        internal no_network storage_failed disk_full storage_quota database_failed key_missing interrupted
        sign_in_broken key_missing_link key_missing_secret portal_registration no_host_works
        clock_wrong ca_store_empty
        """,
    ),
    "MessageProblem": (
        False,
        False,
        """
        mail_too_large mail_cut_off mail_gone mail_withheld mail_unreadable mail_quarantined
        not_asked_for left_out_by_rule folder_data
        """,
    ),
}
#: whose thing failed -> its codes
WHOSE = {
    "owner": """
        password_refused account_locked password_expired app_password_needed password_or_protocol_off
        full_address_needed sign_in_by_browser not_linked token_refused link_revoked sign_in_again
        sign_in_used wrong_account wrong_entra_account personal_account account_of_other_organisation
        account_blocked account_password_expired consent_refused scope_missing refresh_token_missing
        mailbox_not_allowed folder_not_allowed protocol_off blocked_here gmail_missing mailbox_full
        mailbox_in_use mail_too_large mail_gone mail_unreadable not_asked_for left_out_by_rule
        """,
    "manager": """
        google_testing host_unknown address_not_allowed port_not_allowed tls_expected starttls_expected
        starttls_missing not_a_mail_server folder_missing unsafe_characters microsoft_needs_entra
        secret_missing client_secret_missing client_secret_wrong client_secret_is_id client_secret_expired
        client_not_web client_unknown tenant_unknown redirect_unknown registration_refused
        gmail_api_disabled other_protocol client_is_spa client_deleted client_disabled client_certificate_wrong
        client_certificate_expired move_not_possible label_not_possible target_missing
        target_deletes
        """,
    "it": """
        account_disabled consent_needed blocked_by_administrator user_not_assigned permission_missing
        gmail_forbidden exchange_not_connected exchange_not_connected_shared exchange_not_connected_app
        account_gone account_restricted account_at_risk device_not_allowed sign_in_frequency sign_in_hours
        exchange_missing app_not_in_tenant app_permission_missing
        app_not_allowed
        """,
    "server": """
        identity_unproven certificate_not_trusted certificate_expired certificate_other_name tls_failed
        sign_in_method_missing uidl_missing provider_refused connection_refused connect_timeout
        connection_lost server_silent server_too_slow server_unavailable server_answer_unreadable
        sign_in_refused too_many_connections quota_reached server_busy provider_busy provider_unavailable
        mail_cut_off mail_withheld provider_clock_wrong
        certificate_incomplete certificate_not_yet_valid certificate_weak
        client_certificate_wanted tls_version_old tls_ciphers_old uidvalidity_missing folder_data
        """,
    "operator": """
        no_network storage_failed disk_full storage_quota database_failed key_missing key_missing_link
        key_missing_secret portal_registration no_host_works clock_wrong ca_store_empty
        """,
    "code": """
        internal interrupted sign_in_broken mail_quarantined
        """,
}
ROWS = [(code, kind, counts, stays) for kind, (counts, stays, codes) in GOLDEN.items() for code in codes.split()]


@pytest.mark.parametrize(("code", "kind", "counts", "stays"), ROWS)
def test_code_is_of_its_class_and_counts_as_agreed(code: str, kind: str, counts: bool, stays: bool) -> None:
    found = CODES[code].kind
    assert (found.__name__, found.strikes, found.permanent) == (kind, counts, stays)


@pytest.mark.parametrize(("whose", "codes"), WHOSE.items())
def test_code_belongs_to_who_can_mend_it(whose: str, codes: str) -> None:
    assert sorted(code for code, known in CODES.items() if known.whose == whose) == sorted(codes.split())


def test_table_has_every_code_once() -> None:
    assert sorted(code for code, *_ in ROWS) == sorted(CODES)
