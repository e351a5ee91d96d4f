"""What a field of a specification allows: said once, checked here and by pydantic alike."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    from pydantic_core import CoreSchema


@dataclass(frozen=True)
class Rule:
    """A condition on a field's value, as metadata of an `Annotated` type.

    Attributes:
        holds: whether a value is allowed.
        allowed: what is, in words that go on "allowed: ".
        is_whole: whether the words also refuse a value of another type.
    """

    holds: Callable[[Any], bool]
    allowed: str
    is_whole: bool = False

    def takes(self, value: object) -> bool:
        """Whether the value is allowed; one that the condition cannot be asked of is not."""
        try:
            return self.holds(value)
        except TypeError:
            return False

    def __get_pydantic_core_schema__(
        self, source: object, handler: "Callable[[object], CoreSchema]"
    ) -> "CoreSchema":
        """The rule as pydantic checks it, which asks for it by this name."""
        # Settings files are validated by pydantic; the model does without it.
        from pydantic_core import PydanticCustomError, core_schema

        def check(value: object) -> object:
            if not self.takes(value):
                raise PydanticCustomError("rule", "{allowed}", {"allowed": self.allowed})
            return value

        if self.is_whole:
            return core_schema.no_info_before_validator_function(check, handler(source))
        return core_schema.no_info_after_validator_function(check, handler(source))


class Mistake(NamedTuple):
    """One thing that is wrong with a specification.

    Attributes:
        key: the field, or empty if several fields contradict each other.
        found: what stands there.
        allowed: what may stand there.
    """

    key: str
    found: str
    allowed: str


class SpecError(ValueError):
    """A specification that cannot be: `mistakes` lists all that was found.

    Args:
        kind: name of the class that refuses.
        mistakes: at least one.
    """

    def __init__(self, kind: str, *mistakes: Mistake) -> None:
        self.mistakes = mistakes
        super().__init__(
            "; ".join(
                f"{kind}{'.' * bool(m.key)}{m.key}: found {m.found}; allowed: {m.allowed}"
                for m in mistakes
            )
        )


class Checked:
    """A dataclass whose fields keep to the rules of their annotations.

    A subclass with rules between its fields overrides `contradictions`.
    """

    def __post_init__(self) -> None:
        """Refuse values that the annotations do not allow.

        Raises:
            SpecError: with every mistake.
        """
        kind = type(self)
        found = [
            Mistake(name, repr(value), refusal)
            for name, hint in _field_annotations(kind).items()
            if (refusal := _refusal(value := getattr(self, name), hint)) is not None
        ]
        found = found or [Mistake("", *pair) for pair in self.contradictions()]
        if found:
            raise SpecError(kind.__name__, *found)

    def contradictions(self) -> list[tuple[str, str]]:
        """What was found and what is allowed, for each rule between fields that is broken."""
        return []


@cache
def _field_annotations(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    # `Any`, because a class that is checked is a dataclass, which its own type does not say.
    of_class: Any = kind
    return {field.name: hints[field.name] for field in fields(of_class)}


def _refusal(value: object, hint: object) -> str | None:
    """What an annotation allows, if it refuses the value; None if it takes it."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        members = get_args(hint)
        if value is None and NoneType in members:
            return None
        refusals = [_refusal(value, member) for member in members if member is not NoneType]
        return None if None in refusals else refusals[0]
    if origin is Literal:
        return None if value in get_args(hint) else " or ".join(map(repr, get_args(hint)))
    if origin is Annotated:
        inner, *metadata = get_args(hint)
        broken = (r.allowed for r in metadata if isinstance(r, Rule) and not r.takes(value))
        return _refusal(value, inner) or next(broken, None)
    return _refusal_of_items(value, hint)


def _refusal_of_items(value: object, hint: object) -> str | None:
    """The same for the items of a tuple, or the values of a mapping."""
    if isinstance(value, Mapping):
        items, of_item = value.values(), get_args(hint)[-1:]
    elif isinstance(value, tuple):
        items, of_item = value, get_args(hint)[:1]
    else:
        return None
    found = (_refusal(item, kind) for kind in of_item for item in items)
    return next((refusal for refusal in found if refusal is not None), None)


def at_least(limit: float) -> Rule:
    """Numbers from `limit` on, and finite."""
    return Rule(lambda x: limit <= x < math.inf, f"greater than or equal to {limit:g}")


def above(limit: float) -> Rule:
    """Numbers above `limit`, and finite."""
    return Rule(lambda x: limit < x < math.inf, f"greater than {limit:g}")


def between(low: float, high: float) -> Rule:
    """Numbers from `low` to `high`, both included."""
    return Rule(lambda x: low <= x <= high, f"from {low:g} to {high:g}")


def inside(low: float, high: float) -> Rule:
    """Numbers from `low` to `high`, neither included."""
    return Rule(lambda x: low < x < high, f"greater than {low:g} and less than {high:g}")


Count = Annotated[int, at_least(1)]
CountOrZero = Annotated[int, at_least(0)]
Finite = Annotated[float, Rule(math.isfinite, "a finite number")]
Positive = Annotated[float, above(0)]
PositiveOrZero = Annotated[float, at_least(0)]
Rate = Annotated[float, between(0, 1)]
Share = Annotated[float, inside(0, 1)]
