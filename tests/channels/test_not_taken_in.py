"""What could not be had is a state that people see and that ends: never lost, never said to be in."""

from __future__ import annotations

from importlib import import_module

from django.apps import apps

from channels.models import ReceivedMail
from tests.cast import Cast
from tests.channels.rows import make_channel, make_mail, make_run
from zenvoices.lib.scoping import administration_scope


def test_what_was_given_up_before_stands_after_the_migration(cast: Cast) -> None:
    run = make_run(make_channel(cast.bakery))
    before = {
        "in": {"raw_sha256": "a" * 64},
        "tried": {"state": "failed", "error_code": "mail_unreadable"},
        "cut off": {"state": "refused", "error_code": "mail_cut_off"},
        "too large": {"state": "refused", "error_code": "mail_too_large"},
        "gone": {"state": "refused", "error_code": "mail_gone"},
        "apart": {"state": "quarantined", "raw_sha256": "b" * 64},
        "asked for": {"state": "wanted"},
    }
    for uid, fields in before.items():
        make_mail(run, uid=uid, **fields)
    import_module("channels.migrations.0007_what_is_not_taken_in").take_over(apps, None)
    with administration_scope(cast.bakery.pk):
        rows = {row.uid: row for row in ReceivedMail.objects.all()}
    found = {uid: (row.state, row.standing, bool(row.next_try_at)) for uid, row in rows.items()}
    assert found == {
        "in": ("delivered", False, False),
        "tried": ("failed", True, True),
        "cut off": ("failed", True, True),
        "too large": ("refused", True, False),
        "gone": ("refused", False, False),
        "apart": ("quarantined", True, False),
        "asked for": ("wanted", False, True),
    }
    assert {uid: row.content_sha256[:1] for uid, row in rows.items() if row.content_sha256} == {"in": "a", "apart": "b"}
