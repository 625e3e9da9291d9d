"""What people type before something is erased, and about keeping it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leaving.plans import Plan
from zenvoices.lib.fields import NameField

MOST_YEARS = 99


class EraseForm(forms.Form):
    typed = NameField(label="", max_length=320, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    keeps_export = forms.BooleanField(label="", required=False)

    def __init__(self, *args: Any, plan: Plan, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = plan.name
        self.fields["typed"].label = _("Type %(name)s") % {"name": plan.name}
        if plan.kept_until is None:
            del self.fields["keeps_export"]
        else:
            until = date_format(plan.kept_until, "j F Y")
            said = _("I have taken the export along and keep the documents myself until %(until)s.")
            self.fields["keeps_export"].label = said % {"until": until}
            self.fields["keeps_export"].required = True

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if typed.casefold() != self.name.casefold():
            raise ValidationError(_("This is another name. Type it as it stands here: %(name)s.") % {"name": self.name})
        return typed


class YearsForm(forms.Form):
    years = forms.IntegerField(label=gettext_lazy("Years after the year in which a document came"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field, fewest = self.fields["years"], settings.DOCUMENTS_KEPT_YEARS
        field.validators += [MinValueValidator(fewest), MaxValueValidator(max(MOST_YEARS, fewest))]
        field.widget.attrs |= {"min": fewest, "max": max(MOST_YEARS, fewest)}
        field.help_text = _("At least %(years)s. Longer is possible, shorter is not.") % {"years": fewest}


class HoldForm(forms.Form):
    because = NameField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy("For example a lawsuit or an inspection by the tax authority."),
    )
