"""What the schedule remembers besides: hosts in an outage, steps that fail, what it counts."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone


class HostOutage(models.Model):
    """A mail host that fails for many offices at once: *in storing*. Its failures count for nobody."""

    host = models.CharField(max_length=253)
    #: the refusal that everybody gets there; "" while it does not work at all, in whatever way
    code = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    #: when everybody concerned was told
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["host", "code"], condition=Q(ended_at=None), name="one_open_outage_per_host_and_code"
            )
        ]

    def __str__(self) -> str:
        return f"{self.host} since {self.started_at:%Y-%m-%d %H:%M}"


class FailingStep(models.Model):
    """A step of the schedule whose last try raised. The row goes with the next one that comes to its end."""

    name = models.CharField(max_length=40, primary_key=True)
    since = models.DateTimeField(default=timezone.now)
    #: the class of the exception; the log has the rest
    problem = models.CharField(max_length=80)

    def __str__(self) -> str:
        return f"{self.name}: {self.problem} since {self.since:%Y-%m-%d %H:%M}"


class RunTally(models.Model):
    """How many fetches have ended like this, ever: the logbook folds, prunes and erases its rows, this stays."""

    outcome = models.CharField(max_length=9)  # FetchRun.outcome
    code = models.CharField(max_length=40, blank=True)  # FetchRun.error_code
    runs = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["outcome", "code"], name="one_tally_per_end")]

    def __str__(self) -> str:
        return f"{self.outcome} {self.code}: {self.runs}"


class TickTally(models.Model):
    """How punctual the schedule is, whichever worker ticks: one row, `ONLY`."""

    ONLY = 1

    ticks = models.BigIntegerField(default=0)
    late = models.BigIntegerField(default=0)
    #: when the last one began
    last_at = models.DateTimeField()
    #: every fetch that ended by then is in RunTally
    runs_counted_to = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.late} of {self.ticks} late"
