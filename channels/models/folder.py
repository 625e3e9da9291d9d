"""What is known of a folder that a channel fetches from."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class FolderState(models.Model):
    """Of the first folder it stands in the channel itself, of each other in a FurtherFolder."""

    folder = models.CharField(_("Folder"), max_length=255, default="INBOX")
    #: when that with which the channel begins was kept here (channels.fetching.start); null: not yet, or nothing is to
    #: be done for it
    started_at = models.DateTimeField(null=True, blank=True)
    #: IMAP: UIDVALIDITY and UIDNEXT then
    start_validity = models.CharField(max_length=40, blank=True, default="", db_default="")
    start_next_uid = models.PositiveBigIntegerField(default=0, db_default=0)
    #: IMAP UIDVALIDITY and UIDNEXT at the last listing: mails from here on that were read before we came are counted
    seen_validity = models.CharField(max_length=40, blank=True)
    seen_next_uid = models.PositiveBigIntegerField(default=0)
    #: the same at the first listing of this mailbox: from here on every mail is ours to know (fetching.reconcile)
    first_validity = models.CharField(max_length=40, blank=True)
    first_next_uid = models.PositiveBigIntegerField(default=0)
    #: the server lets us mark no mail as read in this folder: they stay unread there, and no flag is owed
    stays_unread = models.BooleanField(default=False)
    #: why mails that were taken in are not moved or labelled here: a code of channels.errors; "" when they are
    not_put_away = models.CharField(max_length=20, blank=True, default="", db_default="")

    class Meta:
        abstract = True


#: what is known of a folder whose numbers nobody has seen
NO_NUMBERS: Final = {
    "seen_validity": "",
    "seen_next_uid": 0,
    "first_validity": "",
    "first_next_uid": 0,
    "start_validity": "",
    "start_next_uid": 0,
    "stays_unread": False,
    "not_put_away": "",
}
#: everything that belongs to one folder
STATE: Final = ("folder", "started_at", *NO_NUMBERS)
