"""The part of the channel form that asks what a new channel begins with."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels.models import Channel


class StartForm(forms.Form):
    channel: Channel | None = None

    start = forms.ChoiceField(
        label=_("Begin with"), choices=Channel.Start.choices, required=False, initial=Channel.Start.UNREAD,
        widget=forms.RadioSelect, help_text=_("With POP3, everything in the mailbox counts as unread."),
    )  # fmt: skip
    start_date = forms.DateField(
        label=_("Since"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": _("Enter a date.")},
    )  # fmt: skip

    def clean_start(self) -> str:
        return self.cleaned_data["start"] or Channel.Start.UNREAD.value

    def clean_start_date(self) -> date | None:
        day: date | None = self.cleaned_data["start_date"]
        if self.cleaned_data.get("start") != Channel.Start.SINCE or not self.chooses_start:
            return None
        if day is None:
            raise forms.ValidationError(_("Enter the date to begin with."), code="required")
        if day > timezone.localdate():
            raise forms.ValidationError(_("Enter today or an earlier date."), code="future")
        return day

    def clean(self) -> dict[str, Any] | None:
        """A date that is not asked for stands hidden on the page: whatever is in it is no mistake."""
        if self.cleaned_data.get("start") != Channel.Start.SINCE:
            self.errors.pop("start_date", None)
            self.cleaned_data["start_date"] = None
        return super().clean()

    @property
    def chooses_start(self) -> bool:
        """Until it has begun."""
        channel = self.channel
        return channel is None or (
            channel.state == Channel.State.DRAFT and channel.started_at is None and channel.last_success_at is None
        )

    @property
    def start_fields(self) -> dict[str, Any]:
        """What they take besides, as long as it can be chosen."""
        return {name: self.cleaned_data[name] for name in ("start", "start_date") if self.chooses_start}
