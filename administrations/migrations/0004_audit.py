"""The audit trail. Its triggers refuse to change or delete a line, outside administrations.audit.opened_for_erasing.

A later migration that alters the table makes it anew on SQLite, and must make the triggers anew as well.
"""

import django.db.models.functions.datetime
from django.db import migrations, models

from zenvoices.lib.scoping import enable_row_level_security

REFUSED = "the audit trail is append-only"
POSTGRESQL = f"""
CREATE FUNCTION zenvoices_audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('zenvoices.audit_opened', true), '') <> 'yes' THEN
        RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER zenvoices_audit_stays BEFORE UPDATE OR DELETE ON administrations_auditentry
FOR EACH ROW EXECUTE FUNCTION zenvoices_audit_stays();
"""
SQLITE = """
CREATE TRIGGER zenvoices_audit_stays_{verb} BEFORE {verb} ON administrations_auditentry
WHEN zenvoices_audit_opened() = 0 BEGIN SELECT RAISE(ABORT, '{refused}'); END
"""


def protect(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL)
        return
    for verb in ("UPDATE", "DELETE"):
        schema_editor.execute(SQLITE.format(verb=verb, refused=REFUSED))


def unprotect(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER zenvoices_audit_stays ON administrations_auditentry")
        schema_editor.execute("DROP FUNCTION zenvoices_audit_stays()")
        return
    for verb in ("UPDATE", "DELETE"):
        schema_editor.execute(f"DROP TRIGGER zenvoices_audit_stays_{verb}")


class Migration(migrations.Migration):
    dependencies = [("administrations", "0003_invitation_withdrawn_because")]

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('environment_id', models.UUIDField(blank=True, null=True)),
                ('administration_id', models.UUIDField(blank=True, null=True)),
                ('actor', models.CharField(choices=[('person', 'Person'), ('guest', 'Somebody without an account'), ('operator', 'Operator'), ('system', 'The portal itself')], max_length=8)),
                ('actor_id', models.UUIDField(blank=True, null=True)),
                ('actor_name', models.CharField(blank=True, max_length=320)),
                ('address', models.CharField(blank=True, max_length=64)),
                ('code', models.CharField(max_length=40)),
                ('thing_kind', models.CharField(blank=True, max_length=30)),
                ('thing_id', models.CharField(blank=True, max_length=40)),
                ('thing_name', models.CharField(blank=True, max_length=320)),
                ('before', models.JSONField(blank=True, default=dict)),
                ('after', models.JSONField(blank=True, default=dict)),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['environment_id', '-id'], name='audit_of_environment'), models.Index(fields=['administration_id', '-id'], name='audit_of_administration'), models.Index(fields=['at'], name='audit_by_time')],
            },
        ),
        enable_row_level_security("administrations_auditentry"),
        migrations.RunPython(protect, unprotect),
    ]
