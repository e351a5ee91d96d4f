"""When two texts are one, though people and spreadsheets have added capitals, spaces and marks."""

import re
import string
import unicodedata

# The same characters as in the macro `folded` of sql/macros/text.sql.
INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"
BLANK = " \t\n\v\f\r\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def folded(text: str) -> str:
    """A text as the SQL compares it: without what cannot be seen, and with small letters.

    Of letters beyond a to z the case is kept, for there the databases differ.
    """
    seen = re.sub(f"[{INVISIBLE}]", "", text)
    return re.sub(f"[{BLANK}]+", " ", seen).strip(" ").translate(_SMALL)


def as_read(text: str) -> str:
    """A text as a person reads it: equal for texts that differ in case, space or encoding alone."""
    visible = "".join(
        c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf"
    )
    return " ".join(visible.casefold().split())
