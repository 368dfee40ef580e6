import json
from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from seqlab.settings import explain, read_text


def even(value: int) -> int:
    if value % 2:
        raise ValueError("an even number")
    return value


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    share: Annotated[float, Field(gt=0, lt=1)] = 0.5


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    size: Annotated[int, Field(ge=2)] | Literal["auto"] = "auto"
    widths: tuple[int, ...] = ()
    pairs: Annotated[int, AfterValidator(even)] = 2
    on: bool = False
    inner: Inner | None = None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("size: 1", "model.size is 1; allowed: a whole number of at least 2, or auto."),
        ("widths: [1, a]", "model.widths.1 is 'a'; allowed: a whole number."),
        ("widths: 5", "model.widths is 5; allowed: a list, each a whole number."),
        ("pairs: 3", "model.pairs is 3; allowed: an even number."),
        ("on: yes", "model.on is 'yes'; allowed: true or false.\nWrite true."),
        ("off: yes", "there is no setting 'model.off'. Known here: size, widths, pairs, on, inner."),
        ("inner: 3", "model.inner is 3; allowed: a mapping, or null."),
        ("inner: {share: 2}", "model.inner.share is 2; allowed: a number greater than 0 and less than 1."),
        ("inner: {shaer: 0.1}", "there is no setting 'model.inner.shaer'. Known here: share."),
    ],
)
def test_options_of_a_component_are_explained_in_words(text, said):
    document = read_text(f"model:\n  {text}", "mine.yaml")
    with pytest.raises(ValidationError) as caught:
        Options.model_validate_json(json.dumps(document.data["model"]))
    error = explain(caught.value, document, Options, prefix="model")
    assert str(error).startswith(f"mine.yaml, line 2: {said}")
    assert str(error).count("allowed") <= 1
