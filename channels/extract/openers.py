"""What is called in the process of its own (zenvoices.lib.apart): everything that reads more than a plain part."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from channels.extract import cms, outlook, tnef
from channels.extract.archive import Archive
from channels.extract.limits import Budget, Limits
from channels.extract.opened import Entry, Opened, Refused
from zenvoices.lib import filetypes
from zenvoices.lib.apart_process import Source, Target


@dataclass(frozen=True, slots=True)
class Job:
    """`inside`: what it holds is wanted too, not only what it is. `hint`: what the mail says it is."""

    source: Source
    target: Target
    budget: Budget
    inside: bool
    hint: str

    def entries(self, found: Iterable[Entry]) -> list[Entry]:
        """No more than the mail may still have parts, and the one that tells so."""
        kept: list[Entry] = []
        for entry in found:
            kept.append(entry)
            if not self.budget.count_part():
                break
        return kept


def _zip(job: Job) -> Opened:
    archive = Archive(job.source, job.budget)
    if not job.inside or archive.kind != filetypes.ZIP:
        return Opened(archive.kind)
    try:
        archive.check()
    except Refused as refused:
        return Opened(archive.kind, reason=refused.reason)
    return Opened(archive.kind, job.entries(archive.unpack(job.target)))


def _tnef(job: Job) -> Opened:
    def written() -> Iterable[Entry]:
        for number, attachment in enumerate(tnef.attachments(job.source), start=1):
            at = job.target.at
            if attachment.data:
                job.target.write(attachment.data)
            else:
                job.source.copy(attachment.start, attachment.size, job.target)
            yield Entry(number, attachment.name, job.target.at - at, at)

    return Opened(entries=job.entries(written()))


def _ole(job: Job) -> Opened:
    """A message that cannot be read to its end stays the document it is."""
    kind = filetypes.ole_kind(lambda stream: job.source.count(stream) > 0, job.hint)
    if not job.inside or kind != filetypes.OUTLOOK:
        return Opened(kind)
    try:
        return Opened(kind, job.entries(outlook.attachments(job.source, job.target, job.budget)))
    except outlook.DAMAGE:
        return Opened(kind)
    except OSError as error:
        if error.errno is not None:  # of our disk; olefile's has no number
            raise
        return Opened(kind)


def _signed(job: Job) -> Opened:
    try:
        for start, stop in cms.signed_content(job.source.view()):
            job.source.copy(start, stop - start, job.target)
    except cms.Unreadable:
        return Opened(reason="signed_opaque")
    return Opened(entries=[Entry(1, "", job.target.at)])


def _pdf(job: Job) -> Opened:
    """Whether it opens without a password: many are encrypted only to forbid printing."""
    import pypdfium2  # noqa: PLC0415 (only when one is encrypted; it takes memory)

    try:
        pypdfium2.PdfDocument(job.source).close()
    except pypdfium2.PdfiumError as problem:
        return Opened(reason="encrypted" if problem.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD else "")
    return Opened()


def _function(opener: Callable[[Job], Opened]) -> Callable[..., dict[str, Any]]:
    def function(
        source: Source, target: Target, limits: dict[str, Any], spent: dict[str, Any], inside: bool, hint: str
    ) -> dict[str, Any]:
        began, budget = time.process_time(), Budget(Limits(**limits), **spent)
        try:
            opened = opener(Job(source, target, budget, inside, hint))
        except Refused as refused:
            opened = Opened(reason=refused.reason)
        return opened.told(budget.listed, budget.unpacked, time.process_time() - began)

    return function


FUNCTIONS = {
    filetypes.ZIP: _function(_zip),
    filetypes.TNEF: _function(_tnef),
    filetypes.OLE: _function(_ole),
    filetypes.SMIME: _function(_signed),
    "application/pdf": _function(_pdf),
}
