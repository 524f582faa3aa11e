"""The model card: what the model is, in Markdown, with no number that was not measured."""

from __future__ import annotations

import re
from collections.abc import Iterator

from imbench.models.description import Description, Expected
from imbench.safe_text import CELL, visible
from imbench.stats.about_metrics import TITLES

__all__ = ["model_card", "score_line"]

_SIGNS = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$])")
_SOURCES = {
    "cross-validation": "cross-validation inside the training set, threshold chosen on other folds",
    "records": "records of the benchmark, single networks",
    "test images": "this model on the test images, which had no part in it",
}


def model_card(description: Description) -> str:
    """Return the card of a model."""
    return "\n".join([*_head(description), *_training(description), *_scores(description), ""])


def score_line(one: Expected) -> str:
    """Return a score and its interval: ``.812 [.77,.85]``."""
    ends = "" if one.low is None or one.high is None else f" [{one.low:.3f},{one.high:.3f}]"
    return f"{one.value:.3f}{ends}"


def _head(description: Description) -> Iterator[str]:
    core = description.core
    many = len(core.members)
    what = f"{many} networks" if many > 1 else "1 network"
    joined = "their probabilities are averaged" if many > 1 else "one alone"
    yield "# Model card"
    yield ""
    yield f"{what} ({_text(core.settings.network)}), trained with `{_code(core.recipe)}`; {joined}."
    yield ""
    yield f"- Classes: {', '.join(map(_text, core.classes))} (the first is the majority)."
    yield f"- Image: {core.view.words}; decoded as in training."
    yield f"- Decision: {_text(description.decision.words(core.classes))}."
    if description.dataset:
        yield f"- Data: `{_code(description.dataset)}`, fingerprint `{description.fingerprint}`."
    yield ""
    yield "    bench predict THIS_FOLDER IMAGES --csv out.csv"


def _training(description: Description) -> Iterator[str]:
    seen, settings = description.trained_on, description.core.settings
    yield ""
    yield "## Training"
    yield ""
    if seen is not None:
        pairs = zip(description.core.classes, seen.counts, strict=True)
        yield f"- Images: {', '.join(f'{count} {_text(name)}' for name, count in pairs)}."
        yield (
            f"- Their files: {seen.short_side[0]} to {seen.short_side[1]} px on the shorter side, "
            f"{seen.long_side[0]} to {seen.long_side[1]} px on the longer, {seen.grey} without "
            f"colour, {seen.deep} of more than 8 bits a value."
        )
    yield (
        f"- {settings.steps} steps of {settings.batch_size} images, learning rate {settings.lr:g}, "
        f"augmentation {_text(settings.augment)}; seeds "
        f"{', '.join(str(member.seed) for member in description.core.members)}."
    )
    if description.train_loss:
        losses = ", ".join(f"{loss:.3g}" for loss in description.train_loss)
        yield f"- Training loss at the end: {losses}."
    for note in description.notes:
        yield f"- {_text(note)}"


def _scores(description: Description) -> Iterator[str]:
    yield ""
    yield "## Scores"
    yield ""
    if not description.expected:
        yield "None was measured."
        return
    for source, words in _SOURCES.items():
        rows = [one for one in description.expected if one.source == source]
        if not rows:
            continue
        seeds = f", {rows[0].seeds} seeds" if rows[0].seeds else ""
        images = f", {rows[0].minority} minority images" if rows[0].minority else ""
        yield f"From {words} ({rows[0].images} images{seeds}{images}):"
        yield ""
        sample = rows[0].sample
        yield f"| score | value, 95 % interval |{f' on {sample} images |' if sample else ''}"
        yield f"|---|---|{'---|' if sample else ''}"
        for one in rows:
            title = TITLES.get(one.metric, _text(one.metric))
            yield f"| {title} | {score_line(one)} |{_sample_cell(one)}"
        yield ""
    yield (
        "F1 and precision depend on how rare the minority is. All of it holds for images like "
        "those of the training set; of others nothing is known."
    )


def _sample_cell(one: Expected) -> str:
    """Return where the score on a few images lies in 95 of 100 cases, as a cell of the table."""
    if one.sample_low is None or one.sample_high is None:
        return ""
    return f" {one.sample_low:.3f} to {one.sample_high:.3f} |"


def _text(text: str) -> str:
    """Return a text of others that Markdown shows as it is."""
    return _SIGNS.sub(r"\\\1", visible(text, CELL))


def _code(text: str) -> str:
    return visible(text, CELL).replace("`", "'")
