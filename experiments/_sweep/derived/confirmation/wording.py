"""A confirmation's answer in one sentence."""

from __future__ import annotations

from typing import Any

from experiments._sweep.views.figures import figure, interval, lopsided

DEFAULTS = "defaults"


def sentence(answer: dict[str, Any]) -> str:
    """`trial 41 promised 0.978, confirmed 0.971 +- 0.003; ...`: the search's winner, then all others."""
    configurations = {each["label"]: each for each in answer["configurations"]}
    searched = configurations[answer["searched_winner"]]
    # One sentence, one style: an interval with both ends beside one with +- looks like two kinds of interval.
    told = [
        searched,
        answer["gain_over_defaults"],
        *([searched["difference"]] if answer["verdict"] == "behind" else []),
    ]
    ends = any(map(lopsided, told))
    promised = f"{searched['label']} promised {figure(searched['promised'], like=searched)}"
    if answer["winner"] is None:
        return f"{promised}, but every run of every configuration failed."
    if searched["mean"] is None:
        best = configurations[answer["winner"]]
        return f"{promised}, but every run of it failed; {_is_first(best['label'])}, with {interval(best)}."
    failed = f" ({searched['failed']} of {answer['seeds']} runs failed)" if searched["failed"] else ""
    parts = [f"{promised}, confirmed {interval(searched, ends=ends)}{failed}"]
    both = (_standing(answer, configurations, searched, ends=ends), _gain(answer, configurations, ends=ends))
    parts += [part for part in both if part]
    return f"{'; '.join(parts)}."


def _standing(answer: dict[str, Any], configurations: dict[str, Any], searched: dict[str, Any], *, ends: bool) -> str:
    """How the search's winner stands among the others of the search; where the defaults are first, `_gain` says all."""
    winner = answer["winner"]
    if winner == DEFAULTS:
        return ""
    if answer["verdict"] == "tied":
        return f"tied with {winner}, which is now first"
    if answer["verdict"] == "behind":
        return f"behind {winner}, which is now first{_by(searched['difference'], answer['mode'], ends=ends)}"
    rivals = [each for each in configurations.values() if each["trial"] is not None and each is not searched]
    tied = sum(each["tied"] for each in rivals)
    if len(rivals) <= 1:
        return "".join(f"{'tied with' if tied else 'ahead of'} {each['label']}" for each in rivals)
    how = f"tied with {tied}" if tied else f"ahead of the other {len(rivals)}"
    return f"{how} of the top {len(rivals) + 1}"


def _by(difference: dict[str, Any], mode: str, *, ends: bool) -> str:
    """By how much it is worse; nothing where the seeds that both have say the contrary, for others have failed."""
    mean = difference["mean"]
    is_worse = mean is not None and (mean > 0 if mode == "min" else mean < 0)
    return f", by {interval(difference, positive=True, ends=ends)}" if is_worse else ""


def _gain(answer: dict[str, Any], configurations: dict[str, Any], *, ends: bool) -> str:
    """How the search's winner stands to the defaults."""
    gain, defaults = answer["gain_over_defaults"], configurations.get(DEFAULTS)
    if gain is None or defaults is None:
        return ""
    if defaults["mean"] is None:
        return "every run of the defaults failed"
    first = f"{_is_first(DEFAULTS)}, and it is " if answer["winner"] == DEFAULTS else ""
    if gain["mean"] is None:
        return f"{first}not compared with the defaults: no seed gave both a value"
    if gain["low"] is None or gain["high"] is None or gain["low"] <= 0 <= gain["high"]:
        return f"{first}not told apart from {'them' if first else 'the defaults'} (gain {interval(gain, ends=ends)})"
    where = "ahead of" if gain["mean"] > 0 else "behind"
    return f"{first}{where} {'them' if first else 'the defaults'} by {interval(gain, positive=True, ends=ends)}"


def _is_first(label: str) -> str:
    return "the defaults are now first" if label == DEFAULTS else f"{label} is now first"
