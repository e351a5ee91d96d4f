"""Why an input cannot be used: a raw table is not as the settings say, or its weeks do not do."""

from collections.abc import Iterable

from sqlalchemy.exc import DBAPIError

from hill_mmm.panel import Problem


class RawTableError(ValueError):
    """A raw table or file is not there, cannot be read, or is not what the settings describe."""


class InputError(ValueError):
    """The weekly input cannot be fitted; `problems` lists every reason found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"- {problem.message}" for problem in self.problems))


def database_words(error: DBAPIError) -> str:
    """The database's words on an error."""
    return without_statement(str(error.orig))


def without_statement(message: str) -> str:
    """The database's words, but for those on a statement that the user has not written."""
    return message.split("\n\n")[0].split("\nLINE ")[0]
