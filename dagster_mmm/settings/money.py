"""The signs that money of a currency bears, which say nothing where all of it is of that one."""

_SIGNS = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP"),
    "€": ("EUR",),
    "£": ("GBP",),
    "¥": ("JPY", "CNY"),
    "₹": ("INR",),
    "₩": ("KRW",),
    "₪": ("ILS",),
    "₺": ("TRY",),
    "₴": ("UAH",),
    "zł": ("PLN",),
    "Kč": ("CZK",),
    "kr": ("SEK", "NOK", "DKK"),
    "R$": ("BRL",),
    "Fr.": ("CHF",),
}
# The signs that are no letters, and so say money in any text.
MONEY_CHARACTERS = "".join(sign for sign in _SIGNS if len(sign) == 1)


def money_signs(currency: str) -> tuple[str, ...]:
    """The code of a currency, and its sign where it has one."""
    return (currency, *(sign for sign, currencies in _SIGNS.items() if currency in currencies))
