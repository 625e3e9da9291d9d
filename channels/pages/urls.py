"""Routes of channels."""

from django.urls import URLPattern, URLResolver, include, path

from channels.links.providers import CALLBACK_PATHS
from channels.pages import (
    authorise,
    channel_form,
    channel_list,
    channel_page,
    checks,
    consent,
    discover,
    logbook,
    not_taken_in,
    office,
    rules,
)

_channel: list[URLPattern | URLResolver] = [
    path("", channel_page.channel_page, name="channel"),
    path("edit", channel_form.channel_edit, name="channel-edit"),
    path("row", channel_list.channel_row, name="channel-row"),
    path("fetch", channel_list.channel_fetch, name="channel-fetch"),
    path("pause", channel_list.channel_pause, name="channel-pause"),
    path("activate", channel_form.channel_activate, name="channel-activate"),
    path("connect", authorise.channel_connect, name="channel-connect"),
    path("disconnect", authorise.channel_disconnect, name="channel-disconnect"),
    path("consent", consent.channel_consent, name="channel-consent"),
    path("consent/<uuid:link_id>/withdraw", consent.consent_withdraw, name="channel-consent-withdraw"),
    path("delete", channel_list.channel_delete, name="channel-delete"),
    path("undo-delete", channel_list.channel_undo_delete, name="channel-undo-delete"),
    path("logbook", logbook.logbook, name="logbook"),
    path("logbook.csv", logbook.logbook_csv, name="logbook-csv"),
    path("logbook/<uuid:run_id>", logbook.run, name="run"),
    path("logbook/<uuid:run_id>/read-elsewhere", logbook.take_read_elsewhere, name="run-read-elsewhere"),
    path("not-taken-in", not_taken_in.not_taken_in, name="not-taken-in"),
    path("not-taken-in/retry", not_taken_in.retry_all, name="not-taken-in-retry"),
    path("mails/<uuid:mail_id>/retry", logbook.retry_mail, name="channel-mail-retry"),
    path("mails/<uuid:mail_id>/leave-out", not_taken_in.leave_out, name="channel-mail-leave-out"),
    path("mails/<uuid:mail_id>/mail.eml", logbook.mail_eml, name="channel-mail-eml"),
    path("rules", rules.channel_rules, name="channel-rules"),
    path("rules/new/<slug:about>", rules.rule_new, name="channel-rule-new"),
    path("rules/<uuid:rule_id>", rules.rule_edit, name="channel-rule-edit"),
    path("rules/<uuid:rule_id>/remove", rules.rule_remove, name="channel-rule-remove"),
    path("rules/tried/<uuid:check_id>", rules.rule_tried, name="channel-rule-tried"),
    path("rules/refuse/<uuid:document_id>", rules.refuse_sender, name="channel-rule-refuse"),
    path("left-out", rules.left_out, name="channel-left-out"),
    path("left-out/take", rules.take_left_out, name="channel-left-out-take"),
    path("parts/<uuid:part_id>/take", logbook.take_part, name="channel-part-take"),
]
_channels: list[URLPattern | URLResolver] = [
    path("", channel_list.channels, name="channels"),
    path("new", channel_form.channel_new, name="channel-new"),
    path("new/email", channel_form.channel_new_email, name="channel-new-email"),
    path("new/find", discover.channel_find, name="channel-find"),
    path("new/found/<uuid:check_id>", discover.channel_found, name="channel-found"),
    path("checks/<uuid:check_id>", checks.channel_check, name="channel-check"),
    path("<uuid:channel_id>/", include(_channel)),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("administration/<uuid:administration_id>/channels/", include(_channels)),
    # Registered by customers in their own Google and Entra projects: these two never change.
    path(CALLBACK_PATHS["google"].lstrip("/"), authorise.google_callback, name="google-callback"),
    path(CALLBACK_PATHS["entra"].lstrip("/"), authorise.entra_callback, name="entra-callback"),
    path("consent/done", consent.consent_done, name="consent-done"),
    path("consent/<str:token>", consent.consent, name="consent"),
    path("consent/<str:token>/go", consent.consent_go, name="consent-go"),
    path("environment/<uuid:environment_id>/", office.office, name="office"),
    path("environment/<uuid:environment_id>/act", office.office_act, name="office-act"),
    path("environment/<uuid:environment_id>/clients/<uuid:client_id>", office.office_client, name="office-client"),
    path("environment/<uuid:environment_id>/channels", channel_list.environment_channels, name="environment-channels"),
]
