"""What the name of a column says that it holds, in the words that marketing data are named with."""

import re
from enum import Enum

_MONEY = ("revenue", "sales", "turnover", "gmv", "income", "bookings", "takings")
_COUNTS = (
    "conversion",
    "order",
    "transaction",
    "purchase",
    "unit",
    "quantity",
    "signup",
    "registration",
    "subscription",
    "lead",
    "install",
    "visit",
    "session",
    "customer",
    "traffic",
)
_ANY_OUTCOME = ("kpi", "outcome", "target", "response", "y")
_SPEND = {"spend", "spending", "spent", "cost", "adspend", "investment", "expenditure", "mdsp"}
_EXPOSURE = {"impression", "impr", "click", "reach", "grp", "view", "exposure", "mdip", "insertion"}
_ORGANIC = {"organic", "newsletter", "email", "sms", "push", "crm", "seo", "blog"}
_MEDIA = {
    *("tv", "ctv", "radio", "audio", "print", "ooh", "cinema", "newspaper", "magazine", "podcast"),
    *("search", "sem", "ppc", "social", "display", "video", "affiliate", "influencer"),
    *("facebook", "meta", "instagram", "google", "youtube", "tiktok", "bing", "amazon"),
    *("snapchat", "pinterest", "linkedin", "twitter", "programmatic", "mail"),
}
_NUMBERED_MEDIUM = re.compile(r"(x|channel|media|medium)\d+")
_CALENDAR = {
    *("year", "yr", "quarter", "qtr", "month", "mon", "week", "wk", "weeknum", "day", "dayofyear"),
    *(
        "period",
        "prd",
        "season",
        "nbr",
        "number",
        "no",
        "num",
        "in",
        "of",
        "iso",
        "fiscal",
        "index",
    ),
}
# What is worked out from a fit, or is a rate of two other columns.
_DERIVED = {"contribution", "fitted", "predicted", "forecast", "residual", "baseline"}
_RATE = {"per", "price", "rate", "avg", "average", "mean", "share", "roas", "roi"}
_SERIES = {
    *("geo", "region", "store", "brand", "market", "country", "state", "city", "dma", "shop"),
    *("series", "segment", "area", "location", "territory"),
}
_DATE = {"date", "day", "week", "wk", "time", "dt", "start", "period", "ds"}
_ROLES = {
    "price": {"price", "pricing"},
    "promotion": {"promo", "promotion", "discount", "markdown", "mrkdn", "offer", "coupon", "sale"},
    "competitor": {"competitor", "competitors", "competition", "rival"},
    "demand": {"demand", "category", "trends"},
}
# The last letter of a name in Robyn's data: spend, exposure, clicks, and what is no medium.
_ROBYN = re.compile(r"(.+)_([SIPB])")


class Kind(Enum):
    """What a column's name says of it, without a look at its values."""

    SPEND = "spend"
    EXPOSURE = "exposure"
    ORGANIC = "organic"
    MONEY = "money"
    COUNT = "count"
    OUTCOME = "outcome"
    CALENDAR = "calendar"
    DERIVED = "derived"
    RATE = "rate"
    UNKNOWN = "unknown"


def words_of(name: str) -> list[str]:
    """The words of a column's name in small letters, those that are known in the singular."""
    known = {*_COUNTS, *_EXPOSURE, *_DERIVED}
    return [word[:-1] if word[:-1] in known else word for word in _parts(name)]


def _parts(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]


def kind_of(name: str) -> Kind:
    """What a name says; the first of what it might say, in the order in which it is sure."""
    words = set(words_of(name))
    robyn = _ROBYN.fullmatch(name)
    if robyn is not None:
        return {"S": Kind.SPEND, "B": Kind.UNKNOWN}.get(robyn[2], Kind.EXPOSURE)
    for kind, vocabulary in (
        (Kind.DERIVED, _DERIVED),
        (Kind.ORGANIC, _ORGANIC),
        (Kind.SPEND, _SPEND),
        (Kind.EXPOSURE, _EXPOSURE),
        (Kind.RATE, _RATE),
    ):
        if words & vocabulary:
            return kind
    if role_of(name) is not None or "control" in words:
        return Kind.UNKNOWN
    for kind, listed in (
        (Kind.MONEY, _MONEY),
        (Kind.COUNT, _COUNTS),
        (Kind.OUTCOME, _ANY_OUTCOME),
    ):
        if words & set(listed):
            return kind
    return Kind.CALENDAR if words and words <= _CALENDAR else Kind.UNKNOWN


def is_medium(name: str) -> bool:
    """Whether it is called like a medium, as where spend columns are called by nothing else."""
    words = words_of(name)
    return any(word in _MEDIA or _NUMBERED_MEDIUM.fullmatch(word) for word in words)


def outcome_rank(name: str) -> int:
    """How early a name comes among those of an outcome: revenue before orders before a KPI."""
    listed = (*_MONEY, *_COUNTS, *_ANY_OUTCOME)
    return min(listed.index(word) for word in words_of(name) if word in listed)


def role_of(name: str) -> str | None:
    """The role of a control: demand, price, promotion or competitor; None if nobody can tell."""
    words = set(words_of(name))
    return next((role for role, named in _ROLES.items() if words & named), None)


def names_series(name: str) -> bool:
    """Whether it is called like what there are several of: geos, stores, brands."""
    return bool(set(words_of(name)) & _SERIES)


def names_date(name: str) -> bool:
    """Whether it is called like a date."""
    return bool(set(words_of(name)) & _DATE)


def names_last_day(name: str) -> bool:
    """Whether it is called like the end of a week."""
    return bool(set(words_of(name)) & {"end", "ending", "ends"})


def stem_of(name: str) -> str:
    """What is left of a name without the words that say spend or exposure: the medium's own."""
    words = variable_name(name).split("_")
    of_medium = [word for word in words if not set(words_of(word)) & (_SPEND | _EXPOSURE)]
    return "_".join(of_medium or words)


def variable_name(name: str) -> str:
    """A column's name in small letters, digits and underscores, as settings name variables."""
    robyn = _ROBYN.fullmatch(name)
    return "_".join(_parts(name if robyn is None else robyn[1])) or "column"
