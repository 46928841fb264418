"""What every section of the study file shares."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=60)]


def _in_words(text: str) -> str:
    if not text.strip():
        raise ValueError("it is blank; say it in words")
    return text


Said = Annotated[str, AfterValidator(_in_words)]  # what must not be left open


class Section(BaseModel):
    """Base of all sections: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def list_of(label: str) -> str:
    """Return the code list of a label: `diabetes` of `diabetes[type_2]`."""
    return label.partition("[")[0] if label.endswith("]") else label


def undeclared(place: str, name: str, known: Any) -> list[str]:
    from evalweave.errors import nearest

    return [] if name in known else [f'{place}: "{name}" is not declared. {nearest(name, known)}']
