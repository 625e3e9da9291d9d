"""*Bewaren*: how long documents of an administration are kept, a hold on them, and what outlived its term."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from administrations import retention as term
from administrations.access import AdministrationRequest, administration_view
from administrations.models import Role
from leaving import plans, retention
from leaving.forms import HoldForm, YearsForm


@require_http_methods(["GET", "HEAD", "POST"])
@administration_view(Role.ADMIN)
def page(request: AdministrationRequest) -> HttpResponse:
    here, action = request.administration, request.POST.get("action", "")
    years = YearsForm(request.POST if action == "years" else None, initial={"years": term.years_of(here)})
    hold = HoldForm(request.POST if action == "hold" else None)
    if said := _changed(request, action, years, hold):
        messages.success(request, said)
        return redirect("retention", here.pk)
    found = {
        "years": years,
        "hold": hold,
        "past_term": list(plans.years_past_term(here)),
        "term_began": term.term_began(here),
    }
    return render(request, "leaving/retention.html", found, status=422 if years.errors or hold.errors else 200)


def _changed(request: AdministrationRequest, action: str, years: YearsForm, hold: HoldForm) -> str:
    """What to say of it; "" when nothing was."""
    here = request.administration
    if action == "years" and years.is_valid():
        retention.keep_years(here, years.cleaned_data["years"], request.user)
        return _("The settings are saved.")
    if action == "hold" and hold.is_valid():
        retention.hold(here, hold.cleaned_data["because"], request.user)
        return _("The hold stands. Nothing of %(name)s is erased until an administrator lifts it.") % {"name": here}
    if action == "lift":
        retention.lift(here, request.user)
        return _("The hold is lifted.")
    return ""
