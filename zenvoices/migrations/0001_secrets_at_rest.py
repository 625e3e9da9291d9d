"""What lay readable: the secrets of two-factor sign-in are encrypted, the keys of sessions hashed.

Nobody has to set up an app again, and who is signed in stays so.
"""

from django.db import migrations
from django.db.models.functions import Length

from zenvoices.lib.keyring import key_ring
from zenvoices.lib.sessions import KEY_LENGTH, key_of


def encrypt_two_factor(apps, schema_editor):
    ring = key_ring()
    for row in apps.get_model("mfa", "Authenticator").objects.filter(type__in=["totp", "recovery_codes"]):
        for name in ("secret", "seed"):
            if not row.data.get(name, "1.").startswith("1."):
                row.data[name] = ring.encrypt(row.data[name], belongs_to="two-factor")
        row.save(update_fields=["data"])


def hash_session_keys(apps, schema_editor):
    for app, model in (("sessions", "Session"), ("usersessions", "UserSession")):
        rows = apps.get_model(app, model).objects.annotate(length=Length("session_key")).filter(length__lt=KEY_LENGTH)
        for key in list(rows.values_list("session_key", flat=True)):
            rows.filter(session_key=key).update(session_key=key_of(key))


class Migration(migrations.Migration):
    dependencies = [
        ("mfa", "0003_authenticator_type_uniq"),
        ("sessions", "0001_initial"),
        ("usersessions", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(encrypt_two_factor, migrations.RunPython.noop),
        migrations.RunPython(hash_session_keys, migrations.RunPython.noop),
    ]
