"""Lists that somebody looks through: fifty rows a page, or half of that, narrowed by a search box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import QueryDict

PAGE: Final = 50
#: of lines with forms and buttons, 2 kB and more each: no page has more than 100 kB
SHORT_PAGE: Final = 25
MOST_WORDS: Final = 8
LONGEST: Final = 200


def page_of(rows: QuerySet[Any, Any] | Sequence[Any], asked: str | None, most: int = PAGE) -> Page[Any]:
    """What is no number is the first page, what is too high the last."""
    return Paginator(rows, most).get_page(asked)


def searched(asked: QueryDict) -> str:
    """`q`, as it stands in the search box."""
    return str(asked.get("q", "")).replace("\x00", "").strip()[:LONGEST]


def with_words(words: str, *fields: str) -> Q:
    """Each of the words, in one of the fields or another."""
    found = Q()
    for word in words.split()[:MOST_WORDS]:
        anywhere = Q()
        for name in fields:
            anywhere |= Q(**{f"{name}__icontains": word})
        found &= anywhere
    return found
