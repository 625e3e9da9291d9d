"""What is called in the process of its own (zenvoices.lib.apart): everything that reads more than a plain part."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from channels.extract import apple, cms, outlook, tar, tnef
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
            if not entry.text and not self.budget.count_part():
                break
        return kept


def _zip(job: Job) -> Opened:
    archive = Archive(job.source, job.budget)
    kind = archive.kind(job.hint)
    if not job.inside or kind not in (filetypes.ZIP, filetypes.ASIC):
        return Opened(kind)
    try:
        archive.check()
    except Refused as refused:
        return Opened(kind, reason=refused.reason)
    return Opened(kind, job.entries(archive.unpack(job.target, kind)))


def _tar(kind: str) -> Callable[[Job], Opened]:
    return lambda job: Opened(kind, job.entries(tar.unpack(job.source, kind, job.target, job.budget)))


def _tnef(job: Job) -> Opened:
    def written() -> Iterable[Entry]:
        yield from _said(job, *tnef.message(job.source))
        for number, attachment in enumerate(tnef.attachments(job.source), start=1):
            at = job.target.at
            if attachment.data:
                job.target.write(attachment.data)
            else:
                job.source.copy(attachment.start, attachment.size, job.target)
            yield Entry(number, attachment.name, job.target.at - at, at)

    return Opened(entries=job.entries(written()))


def _said(job: Job, text: str, kind: str) -> list[Entry]:
    """The message's own text, as an entry that is no file."""
    at = job.target.at
    job.target.write(text.encode("utf-8", "replace"))
    return [Entry(0, "", job.target.at - at, at, text=kind)] if kind else []


def _ole(job: Job) -> Opened:
    """A message that cannot be read to its end stays the document it is."""
    kind = filetypes.ole_kind(lambda stream: job.source.count(stream) > 0, job.hint)
    if not job.inside or kind not in (filetypes.OUTLOOK, filetypes.OLE):
        return Opened(kind)
    try:
        if kind == filetypes.OLE or not outlook.is_message(job.source):  # the message is in an object
            kind = filetypes.OLE
            return Opened(kind, job.entries(outlook.packed(job.source, job.target, job.budget)))
        entries = _said(job, *outlook.message(job.source))
        return Opened(kind, [*entries, *job.entries(outlook.attachments(job.source, job.target, job.budget))])
    except outlook.DAMAGE:
        return Opened(kind)
    except OSError as error:
        if error.errno is not None:  # of our disk; olefile's has no number
            raise
        return Opened(kind)


def _cms(job: Job) -> Opened:
    if cms.is_compressed(job.source.view()):
        return _compressed(job)
    try:
        for start, stop in cms.content(job.source.view()):
            job.source.copy(start, stop - start, job.target)
    except cms.Unreadable:
        return Opened(reason="signed_opaque")
    return Opened(entries=[Entry(1, "", job.target.at)])


def _compressed(job: Job) -> Opened:
    most = job.budget.limits.unpacked(job.source.size)
    try:
        for piece in cms.inflated(job.source.view()):
            if not job.budget.count_unpacked(len(piece)) or job.target.at + len(piece) > most:
                return Opened(reason="archive_bomb")
            job.target.write(piece)
    except cms.Unreadable:
        return Opened(reason="damaged")
    return Opened(entries=[Entry(1, "", job.target.at)])


def _apple(job: Job) -> Opened:
    start, size = apple.data_fork(bytes(job.source.view()[:8192]))
    job.source.copy(start, size, job.target)
    if not job.target.at:
        return Opened(reason="damaged")
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
    **{kind: _function(_tar(kind)) for kind in (filetypes.TAR, filetypes.GZIP, filetypes.BZIP2)},
    filetypes.TNEF: _function(_tnef),
    filetypes.OLE: _function(_ole),
    filetypes.SMIME: _function(_cms),
    filetypes.APPLE: _function(_apple),
    "application/pdf": _function(_pdf),
}
