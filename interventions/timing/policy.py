"""Thompson sampling for sending, with a price on dosage: the policy of HeartSteps V2, pooled over people.

The reward is modelled as Y = g'a0 + pi f'a1 + (A - pi) f'b + e (action-centred: b is the effect of sending even where the
baseline g'a0 is wrong), Bayesian and linear. Sending has a later cost: it raises dosage, which weakens what follows, and
a message in the wrong context drives people away. That cost is the difference of values of a small decision process over
(dosage, disengagement) with the learned rewards. The probability to send is that of f'b being above the cost, clipped.
Source: methods section 3 (Liao et al. 2020; dynamics of arXiv 2411.00336).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.floating[Any]]

DOSAGE_DECAY, DOSAGE_STEP = 0.9, 0.05
CALMING, OFFENCE, LEFT = 0.9, 0.4, 0.99
PRIOR_VARIANCE = 100.0**2
DOSAGE_GRID = np.linspace(0.0, 1.0, 41)
DISENGAGEMENT_GRID = np.linspace(0.0, 1.0, 21)
CONFIDENCES = 9


def features(dosage: Floats, confidence: Floats) -> Floats:
    """Return f: what the effect of a message may depend on, (..., 4); confidence is P(the message fits)."""
    return np.stack([np.ones_like(dosage), dosage, confidence, dosage * confidence], axis=-1)


@dataclass(frozen=True, slots=True)
class Posterior:
    """The regression's sufficient statistics: precision and its product with the mean, and residuals' scale."""

    precision: Floats
    weighted: Floats
    squares: float
    count: int

    @classmethod
    def prior(cls) -> "Posterior":
        """Return the posterior before any data."""
        width = 12
        return cls(np.eye(width) / PRIOR_VARIANCE, np.zeros(width), 0.0, 0)

    def updated(self, f: Floats, sent: Floats, probability: Floats, reward: Floats) -> "Posterior":
        """Return the posterior after more decisions, each with the probability it was drawn with."""
        design = np.concatenate([f, probability[:, None] * f, (sent - probability)[:, None] * f], axis=1)
        return Posterior(
            self.precision + design.T @ design,
            self.weighted + design.T @ reward,
            self.squares + float(reward @ reward),
            self.count + len(reward),
        )

    @property
    def mean(self) -> Floats:
        """The coefficients (a0, a1, b)."""
        return np.linalg.solve(self.precision, self.weighted)

    @property
    def covariance(self) -> Floats:
        """The covariance of the coefficients, with the noise that the residuals show."""
        noise = (self.squares - float(self.mean @ self.weighted)) / max(self.count, 1)
        return np.linalg.inv(self.precision) * max(noise, 1e-9)


def _at(values: Floats, dosage: Floats, disengagement: Floats) -> Floats:
    """Return values of the grid at states between its points, bilinear; 0 for who has left."""
    x = dosage * (len(DOSAGE_GRID) - 1)
    y = disengagement * (len(DISENGAGEMENT_GRID) - 1)
    i, j = np.minimum(x.astype(int), len(DOSAGE_GRID) - 2), np.minimum(y.astype(int), len(DISENGAGEMENT_GRID) - 2)
    u, v = x - i, y - j
    low = values[i, j] * (1 - v) + values[i, j + 1] * v
    high = values[i + 1, j] * (1 - v) + values[i + 1, j + 1] * v
    return np.where(disengagement >= LEFT, 0.0, low * (1 - u) + high * u)


def cost(values: Floats, dosage: Floats, disengagement: Floats, confidence: Floats) -> tuple[Floats, Floats]:
    """Return (value of the next state when silent, value lost by sending) given the values of the next period."""
    silent = _at(values, DOSAGE_DECAY * dosage, disengagement)
    fuller = np.minimum(dosage + DOSAGE_STEP, 1.0)
    welcome = _at(values, fuller, CALMING * disengagement)
    offended = _at(values, fuller, np.minimum(disengagement + OFFENCE, 1.0))
    return silent, silent - confidence * welcome - (1 - confidence) * offended


def state_values(posterior: Posterior, confidences: Floats, periods: int) -> Floats:
    """Return the value of each state with 0, 1, ... ``periods`` - 1 periods to go, (periods, dosage, disengagement).

    ``confidences`` are those seen so far: what the next ones are likely to be.
    """
    mean = posterior.mean
    likely = np.quantile(confidences, (np.arange(CONFIDENCES) + 0.5) / CONFIDENCES)
    dosage, disengagement, confidence = np.meshgrid(DOSAGE_GRID, DISENGAGEMENT_GRID, likely, indexing="ij")
    f = features(dosage, confidence)
    # The baseline model's a0 holds for pi = 0, nothing sent.
    quiet, effect = f @ mean[:4], f @ mean[8:]
    values = [np.zeros(dosage.shape[:2])]
    for _ in range(periods - 1):
        silent, lost = cost(values[-1], dosage, disengagement, confidence)
        values.append((quiet + silent + np.maximum(effect - lost, 0.0)).mean(axis=-1))
    return np.stack(values)


def send_probability(
    posterior: Posterior,
    values: Floats,
    dosage: Floats,
    disengagement: Floats,
    confidence: Floats,
    clip: tuple[float, float],
) -> Floats:
    """Return the probability that sending does more good now than it costs later, clipped.

    ``values`` are those of the states of the next period (one row of ``state_values``).
    """
    f = features(dosage, confidence)
    _, lost = cost(values, dosage, disengagement, confidence)
    variance = np.einsum("ij,jk,ik->i", f, posterior.covariance[8:, 8:], f)
    return np.clip(ndtr((f @ posterior.mean[8:] - lost) / np.sqrt(variance)), *clip)
