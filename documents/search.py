"""Which documents say the words that somebody typed.

A common word is met when the list is walked in its order. What is not met soon is looked up, by an index on all parts
of words, which the function of migration 0022 may use and the role that serves may not: behind a policy PostgreSQL
takes only comparisons that leak nothing to an index. What is too much to be looked up is walked for, so many lines a
page. So neither a rare word nor a common one reads the whole list. Who selects all that is found selects what so
many lines give, and is told where they end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Lookup, OuterRef, Q, QuerySet, Subquery, TextField

from documents.models import Document, SearchText
from documents.search_text import SENDER, folded

MOST_WORDS: Final = 8
#: what is looked up at most; a word that more documents say is met by walking
FEW: Final = 2_000
#: lines that are walked past before anything is looked up, and that one page walks past at most
WALKED_FIRST: Final = 1_000
WALKED: Final = 2_000
#: and that selecting all walks past
SELECTED: Final = 3_000
#: of letters and digits, so many in a row are in the index
_INDEXED: Final = re.compile(r"[a-z0-9]{3}")


@TextField.register_lookup
class Like(Lookup):
    """A pattern of SQL, with a backslash before what stands for itself."""

    lookup_name = "like"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, of_left = self.process_lhs(compiler, connection)
        right, of_right = self.process_rhs(compiler, connection)
        return f"{left} LIKE {right} ESCAPE '\\'", (*of_left, *of_right)


def patterns(words: str, sender: str) -> list[str]:
    """That a text has to match, each of them; none when nothing was typed."""
    found = [f"%{_escaped(word)}%" for word in words.split()[:MOST_WORDS]]
    return [*found, f"%{SENDER}%{_escaped(sender)}%"] if sender else found


def _escaped(typed: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", folded(typed))


def few(asked: Sequence[str]) -> list[UUID] | None:
    """The documents of the scope that match, when they are few and the database has a quick way to tell."""
    if connection.vendor != "postgresql" or not any(_INDEXED.search(pattern) for pattern in asked):
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT documents_saying(%s::text[], %s)", [list(asked), FEW + 1])
        ids = [found for (found,) in cursor.fetchall()]
    return ids if len(ids) <= FEW else None


def saying(documents: QuerySet[Document], asked: Sequence[str]) -> QuerySet[Document]:
    """Each is looked at by itself, in whichever order they are read."""
    matches = Q()
    for pattern in asked:
        matches &= Q(text__like=pattern)
    said = SearchText.objects.filter(document=OuterRef("pk"))
    answer = Subquery(said.values_list(ExpressionWrapper(matches, output_field=BooleanField()))[:1])
    return documents.alias(says_it=answer).filter(says_it=True)
