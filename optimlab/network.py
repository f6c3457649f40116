"""Two models to train: a small neural network, and linear regression, the smallest of all.

A model here is the architecture and its loss. The weights are one flat array that is handed in, so
that a rule makes one step for the whole network in one call, and the gradient comes back in the
same order. `Network.named` gives every matrix and vector in a flat array its name; it reads the
weights, a gradient, and a rule's state (Adam's ``m``) alike:

    network = Network(1000, 100, 2)
    w = network.start(seed=0)
    loss, g = network.gradient(w, x, y)
    network.named(g)["W1"][50, 30]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def softmax(scores: np.ndarray) -> np.ndarray:
    """Return the probabilities that belong to scores.

    Parameters
    ----------
    scores : ndarray, shape (N, classes)

    Returns
    -------
    ndarray, shape (N, classes)
        Every row sums to 1.
    """
    # The largest score becomes 0: nothing overflows, and the quotient stays the same.
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_cross_entropy(scores: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mean of ``-log(probability of the true class)``, and its gradient.

    Parameters
    ----------
    scores : ndarray, shape (N, classes)
    y : ndarray of int, shape (N,)
        The true class of every sample.

    Returns
    -------
    loss : float
        In nats, the mean over the samples.
    gradient : ndarray, shape (N, classes)
        With respect to the scores: probabilities less the one-hot truth, over N.
    """
    rows = np.arange(len(y))
    shifted = scores - scores.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis=1, keepdims=True)
    # log(sum) - score, not -log(probability), which is infinite once a probability rounds to 0.
    loss = float((np.log(total[:, 0]) - shifted[rows, y]).sum() / len(y))
    e /= total
    e[rows, y] -= 1
    e /= len(y)
    return loss, e


class Network:
    """A neural network of fully connected layers: ReLU between them, softmax cross-entropy at the end.

    Parameters
    ----------
    *sizes : int
        Features, hidden units of every hidden layer, classes: ``Network(1000, 100, 2)``.

    Attributes
    ----------
    sizes : tuple of int
    size : int
        How many weights there are, biases included: the length of the flat array.

    Raises
    ------
    ValueError
        If there are fewer than two sizes, one is not a positive whole number, or there is but one class.
    """

    def __init__(self, *sizes: int):
        whole = all(isinstance(n, int | np.integer) and n >= 1 for n in sizes)
        if len(sizes) < 2 or not whole or sizes[-1] < 2:
            raise ValueError(
                f"got Network{sizes!r}; expected the sizes of at least two layers as whole numbers, features "
                "first and at least 2 classes last, such as Network(1000, 100, 2)"
            )
        self.sizes = tuple(int(n) for n in sizes)
        self._places = {}  # of each matrix and vector in the flat array
        end = 0
        for layer, (before, after) in enumerate(zip(self.sizes, self.sizes[1:], strict=False), start=1):
            for name, shape in ((f"W{layer}", (after, before)), (f"b{layer}", (after,))):
                begin, end = end, end + int(np.prod(shape))
                self._places[name] = slice(begin, end), shape
        self.size = end

    def __repr__(self) -> str:
        return f"<Network {'-'.join(map(str, self.sizes))}, {self.size:,} weights>"

    def start(self, seed: int = 0, dtype: np.typing.DTypeLike = np.float32) -> np.ndarray:
        """Return random weights to start from.

        Matrices are normal with standard deviation ``sqrt(2 / inputs of the layer)``, biases are zero.
        Source: He et al. (2015), section 2.2.

        Parameters
        ----------
        seed : int, default 0
            The same seed gives the same weights in either precision, to rounding.
        dtype : default float32

        Returns
        -------
        ndarray, shape (size,)
        """
        random = np.random.default_rng([*b"weights", seed])
        w = np.zeros(self.size, dtype)
        for values in self.named(w).values():
            if values.ndim == 2:
                values[:] = random.normal(scale=np.sqrt(2 / values.shape[1]), size=values.shape)
        return w

    def named(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        """Return the matrices and vectors in a flat array by name, as views: ``W1, b1, W2, b2, ...``.

        ``W1[j, i]`` leads from input ``i`` to unit ``j``, as in ``torch.nn.Linear``.

        Parameters
        ----------
        flat : ndarray, shape (size,)
            The weights, or anything of the same length, such as a gradient.
        """
        if np.shape(flat) != (self.size,):
            raise ValueError(
                f"got a flat array of shape {np.shape(flat)}; a network {self.sizes} has {self.size} weights"
            )
        return {name: flat[place].reshape(shape) for name, (place, shape) in self._places.items()}

    def scores(self, w: np.ndarray, x: ArrayLike) -> np.ndarray:
        """Return one score per class; `softmax` makes them probabilities.

        Parameters
        ----------
        w : ndarray, shape (size,)
        x : array_like, shape (N, features)

        Returns
        -------
        ndarray, shape (N, classes)
        """
        return self._forward(self._layers(w), self._samples(w, x))[-1]

    def predict(self, w: np.ndarray, x: ArrayLike) -> np.ndarray:
        """Return the class with the largest score for every sample, shape (N,)."""
        return self.scores(w, x).argmax(axis=1)

    def evaluate(self, w: np.ndarray, x: ArrayLike, y: ArrayLike) -> tuple[float, float]:
        """Return the loss and the accuracy, the share of samples whose class is predicted right.

        Parameters
        ----------
        w : ndarray, shape (size,)
        x : array_like, shape (N, features)
        y : array_like of int, shape (N,)
        """
        y = self._labels(x, y)
        scores = self.scores(w, x)
        return softmax_cross_entropy(scores, y)[0], float(np.mean(scores.argmax(axis=1) == y))

    def loss(self, w: np.ndarray, x: ArrayLike, y: ArrayLike) -> float:
        """Return the mean cross-entropy over the samples, in nats."""
        return self.evaluate(w, x, y)[0]

    def accuracy(self, w: np.ndarray, x: ArrayLike, y: ArrayLike) -> float:
        """Return the share of samples whose class is predicted right."""
        return self.evaluate(w, x, y)[1]

    def gradient(self, w: np.ndarray, x: ArrayLike, y: ArrayLike) -> tuple[float, np.ndarray]:
        """Return the loss and its gradient: forward, then backward through the layers.

        Parameters
        ----------
        w : ndarray, shape (size,)
            Their precision is the precision of the whole computation.
        x : array_like, shape (N, features)
        y : array_like of int, shape (N,)

        Returns
        -------
        loss : float
        g : ndarray, shape (size,)
            In the order and the precision of ``w``.

        Raises
        ------
        ValueError
            If shapes do not fit, there is no sample, or a label is not a class.
        """
        y, x = self._labels(x, y), self._samples(w, x)
        layers, g = self._layers(w), np.empty_like(w)
        *inputs, scores = self._forward(layers, x)
        loss, delta = softmax_cross_entropy(scores, y)
        for (matrix, _), (to_matrix, to_bias), a in reversed(
            list(zip(layers, self._layers(g), inputs, strict=True))
        ):
            np.matmul(delta.T, a, out=to_matrix)
            delta.sum(axis=0, out=to_bias)
            if a is not x:
                delta = delta @ matrix
                delta *= a > 0  # a unit that ReLU has cut off passes nothing back
        return loss, g

    def _layers(self, flat: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        arrays = list(self.named(flat).values())
        return list(zip(arrays[::2], arrays[1::2], strict=True))

    def _forward(self, layers: list, x: np.ndarray) -> list[np.ndarray]:
        """Return what enters every layer, and last the scores."""
        values = [x]
        for matrix, bias in layers:
            a = values[-1]
            # The larger matrix first: the same numbers, up to a third faster.
            z = a @ matrix.T if len(a) > len(matrix) else (matrix @ a.T).T
            z += bias
            values.append(z if matrix is layers[-1][0] else np.maximum(z, 0, out=z))
        return values

    def _samples(self, w: np.ndarray, x: ArrayLike) -> np.ndarray:
        x = np.asarray(x, dtype=w.dtype)
        if x.ndim != 2 or x.shape[1] != self.sizes[0]:
            raise ValueError(
                f"got x of shape {x.shape}; a network {self.sizes} takes (samples, {self.sizes[0]})"
            )
        return x

    def _labels(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        y = np.asarray(y)
        if y.shape != (len(x),) or not len(y):
            raise ValueError(
                f"got y of shape {y.shape} for {len(x)} samples; give one label per sample, at least one"
            )
        if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= self.sizes[-1]:
            raise ValueError(
                f"got labels of type {y.dtype} from {y.min()} to {y.max()}; expected whole numbers from 0 to "
                f"{self.sizes[-1] - 1}, a network {self.sizes} has {self.sizes[-1]} classes"
            )
        return y


class LinearRegression:
    """Linear regression with the mean squared error: ``prediction = x @ W + b``.

    The loss is the mean of ``(prediction - y)**2``, without a factor 1/2, so that the gradient of one
    sample is ``2 * (prediction - y) * x``.

    Parameters
    ----------
    features : int, default 1
    bias : bool, default True
        Without it the line goes through the origin.

    Attributes
    ----------
    size : int
        How many weights there are: the features, and the bias last.
    """

    def __init__(self, features: int = 1, *, bias: bool = True):
        if not isinstance(features, int | np.integer) or features < 1:
            raise ValueError(f"got features={features!r}; expected a whole number, at least 1")
        self.features, self.bias = int(features), bool(bias)
        self.size = self.features + self.bias

    def __repr__(self) -> str:
        features = f"{self.features} feature{'s' * (self.features > 1)}"
        return f"<LinearRegression of {features}{', with a bias' * self.bias}>"

    def start(self, seed: int = 0, dtype: np.typing.DTypeLike = np.float64) -> np.ndarray:
        """Return zeros: the loss is convex, so nothing has to be random."""
        return np.zeros(self.size, dtype)

    def named(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        """Return the parts of a flat array by name, as views: ``W`` and, if there is one, the bias ``b``."""
        if np.shape(flat) != (self.size,):
            raise ValueError(f"got a flat array of shape {np.shape(flat)}; {self!r} has {self.size} weights")
        return {"W": flat[: self.features]} | ({"b": flat[self.features :]} if self.bias else {})

    def predict(self, w: np.ndarray, x: ArrayLike) -> np.ndarray:
        """Return the prediction for every sample, shape (N,)."""
        x = np.asarray(x, dtype=w.dtype)
        if x.ndim != 2 or x.shape[1] != self.features:
            raise ValueError(f"got x of shape {x.shape}; {self!r} takes (samples, {self.features})")
        parts = self.named(w)
        prediction = x @ parts["W"]
        return prediction + parts["b"] if self.bias else prediction

    def evaluate(self, w: np.ndarray, x: ArrayLike, y: ArrayLike) -> tuple[float, float]:
        """Return the loss, and NaN for the accuracy, which a regression does not have."""
        return float(np.mean(self._errors(w, x, y) ** 2)), float("nan")

    def loss(self, w: np.ndarray, x: ArrayLike, y: ArrayLike) -> float:
        """Return the mean squared error."""
        return self.evaluate(w, x, y)[0]

    def gradient(self, w: np.ndarray, x: ArrayLike, y: ArrayLike) -> tuple[float, np.ndarray]:
        """Return the loss and its gradient.

        Parameters
        ----------
        w : ndarray, shape (size,)
        x : array_like, shape (N, features)
        y : array_like, shape (N,)

        Returns
        -------
        loss : float
        g : ndarray, shape (size,)

        Raises
        ------
        ValueError
            If shapes do not fit or there is no sample.
        """
        errors = self._errors(w, x, y)
        g = np.empty_like(w)
        g[: self.features] = 2 * (errors @ np.asarray(x, dtype=w.dtype)) / len(errors)
        g[self.features :] = 2 * np.mean(errors)
        return float(np.mean(errors**2)), g

    def _errors(self, w: np.ndarray, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        prediction, y = self.predict(w, x), np.asarray(y, dtype=w.dtype)
        if y.shape != prediction.shape or not len(y):
            raise ValueError(
                f"got y of shape {y.shape} for {len(prediction)} samples; "
                "give one number per sample, at least one"
            )
        return prediction - y
