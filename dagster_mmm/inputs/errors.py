"""What a database says of a raw table or file, without its words on our statements."""

from sqlalchemy.exc import DBAPIError


def said(error: DBAPIError) -> str:
    """The database's words on an error."""
    return without_hints(str(error.orig))


def without_hints(message: str) -> str:
    """The database's words, but for those on a statement that the user has not written."""
    return message.split("\n\n")[0].split("\nLINE ")[0]
