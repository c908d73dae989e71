"""The Gymnasium environment passes Gymnasium's checker, repeats from its seed, rewards the goal's strokes."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from hairsim import environment
from hairsim.environment import HairEnv, HairEnvironmentConfig, HairVectorEnv
from hairsim.errors import CombwiseError
from hairsim.tools.stroke import STROKE_HIGH, STROKE_LOW

TINY: dict[str, Any] = {
    "families": ("straight_bob",),
    "guides": 40,
    "vertices": 8,
    "children": 150,
    "strokes": 2,
    "goal_strokes": 1,
    "threads": 1,
    "settle_seconds": 0.05,
    "rest_seconds": 0.05,
}


def same(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.filterwarnings("error")
def test_gymnasiums_checker_is_content() -> None:
    """Not one warning: spaces, seeds, determinism, returned data, rendering and closing."""
    environment = gymnasium.make("Combwise/Hair-v0", render_mode="rgb_array", **{**TINY, "goal_strokes": 0})
    check_env(environment.unwrapped)
    environment.close()


def test_a_vector_of_heads_is_that_many_heads_with_one_clock() -> None:
    """Spaces hold what comes back; the last step truncates all; the next resets all; seeds repeat."""
    heads = gymnasium.make_vec("Combwise/Hair-v0", num_envs=2, **TINY)
    assert isinstance(heads, HairVectorEnv) and heads.num_envs == 2
    first, info = heads.reset(seed=5)
    assert first in heads.observation_space and info["moved_mm"].shape == (2,)
    assert not np.array_equal(first["occupancy"][0], first["occupancy"][1])
    heads.action_space.seed(0)
    actions = heads.action_space.sample()
    seen, reward, terminated, truncated, info = heads.step(actions)
    assert seen in heads.observation_space and reward.shape == (2,)
    assert not terminated.any() and not truncated.any() and (info["peak_force_n"] >= 0.0).all()
    assert heads.step(actions)[3].all()
    fresh, reward, _, truncated, _ = heads.step(actions)
    assert not truncated.any() and (reward == 0.0).all() and not same(fresh, first)
    again, _ = heads.reset(seed=5)
    assert same(again, first)
    assert same(heads.step(actions)[0], seen)
    heads.close()


def test_the_hidden_strokes_earn_the_reward_they_are_worth() -> None:
    """Played in SI units from the start, the stroke that made the goal brings moved_mm to nearly nothing."""
    head = HairEnv(**{**TINY, "normalised": False, "guides": 120, "rest_seconds": 0.4})
    hidden = []

    def remember(strands: np.ndarray, *rest: Any) -> Any:
        hidden.append(drawn := draw(strands, *rest))
        return drawn

    draw = environment.random_stroke
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment, "random_stroke", remember)
        _, info = head.reset(seed=0)
        for seed in range(1, 8):
            if info["moved_mm"] > 15.0:
                break
            hidden.clear()
            _, info = head.reset(seed=seed)
    assert info["moved_mm"] > 15.0 and not info["success"]
    _, reward, _, _, after = head.step(hidden[0].to_vector())
    assert after["moved_mm"] < 0.05 * info["moved_mm"] and after["success"]
    assert reward > 0.9 * info["moved_mm"]


def test_pictures_are_observed_when_asked_for() -> None:
    head = HairEnv(**{**TINY, "images": True, "image_size": 32, "goal_strokes": 0})
    seen, info = head.reset(seed=1)
    assert seen in head.observation_space and "goal_occupancy" not in seen
    assert seen["colour"].shape == (3, 32, 32, 3) and seen["colour"].std() > 10.0
    assert 0.4 < seen["depth"][seen["depth"] > 0.0].mean() < 1.2
    assert head.step(head.action_space.sample())[1] == 0.0 and not info["success"]
    assert head.render() is None


def test_actions_span_the_bounds_of_a_stroke() -> None:
    """-1 and 1 are the bounds; in SI the space is the bounds; beyond them, clipped."""
    heads = HairVectorEnv(2, **TINY)
    low, high = heads._strokes(np.stack([-np.ones(8), np.ones(8)]))
    assert low.to_vector()[1:] == pytest.approx(STROKE_LOW[1:], abs=1e-6)
    assert high.to_vector()[3:] == pytest.approx(STROKE_HIGH[3:], abs=1e-6)
    in_si = HairEnv(**TINY, normalised=False).action_space
    assert isinstance(in_si, gymnasium.spaces.Box) and in_si.high == pytest.approx(STROKE_HIGH)
    assert heads._strokes(np.full((2, 8), 9.0))[0].length == STROKE_HIGH[3]


def test_mistakes_get_one_sentence() -> None:
    for options, words in [
        ({"hairs": 3}, "no environment options hairs; expected some of families"),
        ({"families": ("mohawk",)}, r"no groom families \['mohawk'\]"),
        ({"profile": "huge"}, "no profile 'huge'"),
        ({"strokes": 0}, "strokes is 0; expected at least 1"),
        ({"tool": "hook"}, "tool 'hook' is neither"),
        ({"device": "gpu"}, "device 'gpu' is unknown"),
        ({"render_mode": "human"}, "rendered as 'human'"),
    ]:
        with pytest.raises(CombwiseError, match=words):
            HairEnv(**{**TINY, **options})
    heads = HairVectorEnv(2, config=HairEnvironmentConfig(**TINY))
    with pytest.raises(CombwiseError, match=r"call reset\(\) first"):
        heads.step(np.zeros((2, 8)))
    heads.reset(seed=0)
    for actions in (np.zeros((1, 8)), np.full((2, 8), np.nan)):
        with pytest.raises(CombwiseError, match=r"expected finite \(2, 8\)"):
            heads.step(actions)


def test_without_gymnasium_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['gymnasium'] = None; import hairsim.environment"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "the environment needs Gymnasium, which is not installed; install it with: pip" in done.stderr
