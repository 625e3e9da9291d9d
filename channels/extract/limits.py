"""What one mail may cost us. Looked at before parsing and counted while decoding."""

from __future__ import annotations

from dataclasses import dataclass, field

_TEXTS = 4  # times what is kept of one: mails in a mail have their own
RATIO_FROM = 1024 * 1024  # small files of zeros are harmless


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes. Above `mail` nothing is read at all; other limits cost only the part that hits them."""

    mail: int = 50 * 1024 * 1024
    part: int = 25 * 1024 * 1024
    parts: int = 1_000  # every MIME part, archive entry and winmail.dat attachment counts
    depth: int = 50  # multiparts, forwarded mails and archives inside each other
    header: int = 16 * 1024
    header_block: int = 64 * 1024
    header_fields: int = 2_000
    archive_depth: int = 2  # an archive in an archive, no further
    archive_ratio: int = 100
    archive_entries: int = 500
    archive_total: int = 200 * 1024 * 1024  # unpacked, over the whole mail
    seconds: float = 10.0  # of the processor, to open what is not a plain part, over the whole mail
    failures: int = 3  # parts that cannot be opened; after so many nothing more of the mail is
    text: int = 200 * 1024  # the mail's own text, in characters
    html: int = 1024 * 1024  # the mail's own HTML, in characters

    def unpacked(self, size: int) -> int:
        """The most that data of this size may come to, where no list says it before."""
        return min(self.archive_total, max(RATIO_FROM, self.archive_ratio * size))


@dataclass(slots=True)
class Budget:
    """What is left of the limits while one mail is read, and the defects noted on the way."""

    limits: Limits
    parts: int = 0
    scanned: int = 0
    listed: int = 0
    unpacked: int = 0
    seconds: float = 0.0
    failures: int = 0
    texts: int = 0
    full: bool = False
    defects: dict[str, None] = field(default_factory=dict)
    mended: dict[str, None] = field(default_factory=dict)

    def text_room(self) -> int:
        """Characters of text that may still be read, over the whole mail and what is in it."""
        return max(0, _TEXTS * self.limits.html - self.texts)

    def note(self, defect: str) -> None:
        self.defects[defect] = None

    def mend(self, defect: str) -> None:
        """One of the part that is being read."""
        self.defects[defect] = self.mended[defect] = None

    def mends(self) -> tuple[str, ...]:
        """Those noted since the last call."""
        mended, self.mended = tuple(self.mended), {}
        return mended

    def count_part(self) -> bool:
        """False from the part on that is one too many."""
        self.parts += 1
        if self.parts > self.limits.parts:
            self.full = True
            self.note("too_many_parts")
        return not self.full

    def count_scan(self, size: int) -> bool:
        """Each level of nesting is searched once for boundaries: this bounds levels times bytes."""
        self.scanned += size
        return self.scanned <= 16 * self.limits.mail

    def count_listing(self, entries: int) -> bool:
        """Directory entries of all archives together, office documents (which are ZIPs) included."""
        self.listed += entries
        return self.listed <= 40 * self.limits.archive_entries

    @property
    def may_open(self) -> bool:
        return self.seconds < self.limits.seconds and self.failures < self.limits.failures

    def count_unpacked(self, size: int) -> bool:
        self.unpacked += size
        return self.unpacked <= self.limits.archive_total
