"""Data to train on, and mini-batches of it.

    cat_vs_dog   synthetic features of cats and dogs, with a signal or with random labels
    digits       1797 handwritten digits of 8 x 8 pixels, which come with scikit-learn
    mnist        70,000 handwritten digits of 28 x 28 pixels, from files or downloaded on request
    four_points  four points on the line y = 5 x, the example of the notes N2

Each returns a `Dataset`. `batches` cuts one epoch of it into mini-batches.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, DTypeLike


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Samples to train on and samples to test on.

    Attributes
    ----------
    name : str
    train_x, test_x : ndarray, shape (samples, features)
        Floating-point numbers; their precision is the precision of a training run.
    train_y, test_y : ndarray, shape (samples,)
        Labels 0, 1, ... as whole numbers, or the numbers of a regression. There may be no test samples.
    classes : tuple of str
        What the labels mean; empty for a regression.
    source : str
        Where the data come from or how they were made.

    Raises
    ------
    ValueError
        If shapes do not fit, there is nothing to train on, a number is not finite or a label has no class.
    """

    name: str
    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    classes: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self):
        for part in ("train", "test"):
            x, y = np.asarray(getattr(self, f"{part}_x")), np.asarray(getattr(self, f"{part}_y"))
            if x.ndim != 2 or y.shape != x.shape[:1]:
                raise ValueError(
                    f"{self.name}: got {part}_x of shape {x.shape} and {part}_y of shape {y.shape}; "
                    "expected (samples, features) and (samples,)"
                )
            if x.dtype.kind != "f" or y.dtype.kind not in "iuf":
                raise ValueError(
                    f"{self.name}: {part}_x is {x.dtype} and {part}_y is {y.dtype}; expected floating-point "
                    "numbers, and labels or numbers"
                )
            finite = np.isfinite(x).all(axis=1) & np.isfinite(y)
            if not finite.all():
                raise ValueError(
                    f"{self.name}: {part} sample {np.argmin(finite)} is not finite; leave such samples out"
                )
            if self.classes and not (y.dtype.kind in "iu" and np.isin(y, range(len(self.classes))).all()):
                raise ValueError(
                    f"{self.name}: {part}_y holds {np.unique(y)[:20]}; expected whole numbers from 0 to "
                    f"{len(self.classes) - 1}, one for each of the classes {', '.join(self.classes)}"
                )
            object.__setattr__(self, f"{part}_x", x)
            object.__setattr__(self, f"{part}_y", y)
        if not len(self.train_y):
            raise ValueError(f"{self.name}: there is nothing to train on; give at least one training sample")
        if self.test_x.shape[1] != self.features:
            raise ValueError(
                f"{self.name}: train_x has {self.features} features and test_x {self.test_x.shape[1]}"
            )

    @property
    def features(self) -> int:
        """How many numbers describe one sample."""
        return self.train_x.shape[1]

    def astype(self, dtype: DTypeLike) -> Dataset:
        """Return the same data in another precision."""
        return Dataset(
            self.name,
            self.train_x.astype(dtype),
            self.train_y if self.classes else self.train_y.astype(dtype),
            self.test_x.astype(dtype),
            self.test_y if self.classes else self.test_y.astype(dtype),
            self.classes,
            self.source,
        )

    def __repr__(self) -> str:
        classes = f", {len(self.classes)} classes" if self.classes else ""
        return (
            f"<Dataset {self.name}: {len(self.train_y)} training and {len(self.test_y)} test samples, "
            f"{self.features} features{classes}, {self.train_x.dtype}>"
        )


def four_points() -> Dataset:
    """Return the four points of the notes N2, all on the line ``y = 5 x``, in their order; no test data."""
    x = np.array([[2.0], [1.0], [3.0], [0.5]])
    return Dataset(
        "four points", x, 5 * x[:, 0], x[:0], x[:0, 0], source="the example of the notes N2: y = 5 x"
    )


def cat_vs_dog(
    samples: int = 1024,
    features: int = 1000,
    *,
    test_samples: int = 1024,
    learnable: bool = True,
    seed: int = 0,
    dtype: DTypeLike = np.float32,
) -> Dataset:
    """Return synthetic features of cats and dogs, half of each.

    Every feature is normal noise with variance 1. In 50 of them, at random places, the mean of a cat and
    the mean of a dog lie ``4 / sqrt(50)`` = 0.57 apart, which side is whose being random too. So the two
    clouds are 4 standard deviations apart along one direction, and no classifier can be right more
    often than Phi(2) = 97.7 % of the time. Few samples for 1000 features do not show that direction well: a
    1000-100-2 network is right on 93 % of the test samples after training on 1024, and on 73 % after
    training on 128 (Adam, 10 epochs, batches of 32, mean of 5 seeds).

    Parameters
    ----------
    samples : int, default 1024
        How many to train on, at least 2.
    features : int, default 1000
        With fewer than 50, every one differs, and by more: the clouds stay 4 apart.
    test_samples : int, default 1024
        How many to test on, at least 2.
    learnable : bool, default True
        With False the features are the same, but the labels are shuffled: there is nothing to learn
        that would help on test data.
    seed : int, default 0
    dtype : default float32
    """
    for name, value, least in (
        ("samples", samples, 2),
        ("features", features, 1),
        ("test_samples", test_samples, 2),
    ):
        if not _is_whole(value) or value < least:
            raise ValueError(f"cat_vs_dog got {name}={value!r}; expected a whole number, at least {least}")
    random = np.random.default_rng([*b"cat vs dog", seed])
    informative = min(features, 50)
    direction = np.zeros(features)
    places = random.permutation(features)[:informative]
    direction[places] = random.choice([-1.0, 1.0], informative) / math.sqrt(informative)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        y = random.permutation(n) % 2
        x = random.normal(size=(n, features)) + np.outer(4 * y - 2, direction)
        return x.astype(dtype), y

    (train_x, train_y), (test_x, test_y) = draw(samples), draw(test_samples)
    if not learnable:
        train_y, test_y = random.permutation(train_y), random.permutation(test_y)
    return Dataset(
        "cat vs dog" if learnable else "cat vs dog, random labels",
        train_x,
        train_y,
        test_x,
        test_y,
        ("cat", "dog"),
        f"synthetic, see optimlab.datasets.cat_vs_dog; seed {seed}",
    )


def digits(*, test_share: float = 0.25, seed: int = 0, dtype: DTypeLike = np.float32) -> Dataset:
    """Return scikit-learn's handwritten digits: 1797 images of 8 x 8 pixels, scaled to 0 ... 1.

    The split is random and stratified: every digit has the same share of test samples.
    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI (1998), test set.

    Parameters
    ----------
    test_share : float, default 0.25
        The share of every digit that is kept for testing, between 0 and 1.
    seed : int, default 0
        Of the split.
    dtype : default float32

    Raises
    ------
    ImportError
        If scikit-learn is missing, which the data come with.
    """
    if not 0 < test_share < 1:
        raise ValueError(f"digits got test_share={test_share!r}; expected a share between 0 and 1")
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "the digits come with scikit-learn, which is not installed; run: pip install scikit-learn"
        ) from error
    pixels, y = load_digits(return_X_y=True)
    x = (pixels / 16).astype(dtype)  # a pixel counts 0 to 16 dots
    random = np.random.default_rng([*b"digits", seed])
    test = np.zeros(len(y), bool)
    for digit in range(10):
        own = random.permutation(np.flatnonzero(y == digit))
        test[own[: round(test_share * len(own))]] = True
    return Dataset(
        "digits",
        x[~test],
        y[~test],
        x[test],
        y[test],
        tuple("0123456789"),
        "Alpaydin and Kaynak (1998), as in scikit-learn",
    )


MNIST_SOURCE = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_MNIST_FILES = {  # name: SHA-256 of the .gz file as it was published
    "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


def mnist(
    folder: str | os.PathLike,
    *,
    download: bool = False,
    source: str = MNIST_SOURCE,
    dtype: DTypeLike = np.float32,
) -> Dataset:
    """Return MNIST: 60,000 and 10,000 handwritten digits of 28 x 28 pixels, scaled to 0 ... 1.

    Source: LeCun, Bottou, Bengio and Haffner (1998).

    Parameters
    ----------
    folder : path
        Where the four files are, as published: ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
        ``t10k-images-idx3-ubyte``, ``t10k-labels-idx1-ubyte``, each with ``.gz`` or without.
    download : bool, default False
        Fetch the files that are missing, 11 MB in all, and keep them in the folder. Without it nothing is
        ever downloaded.
    source : str
        The address of the folder to download from. The files are checked by their SHA-256 in any case.
    dtype : default float32

    Raises
    ------
    FileNotFoundError
        If a file is missing; the message names it and says how to get it.
    ConnectionError
        If a download fails.
    ValueError
        If a file is damaged or not what its name says.
    """
    folder = Path(folder)
    found = {name: _find_idx(folder, name) for name in _MNIST_FILES}
    if missing := [name for name, path in found.items() if path is None]:
        if not download:
            raise FileNotFoundError(
                f"MNIST is not in {folder}: missing {', '.join(missing)} (each with .gz or without); put the "
                "files there or call mnist(folder, download=True), which downloads them (11 MB)"
            )
        for name in missing:
            found[name] = _download(source, f"{name}.gz", folder, _MNIST_FILES[name])
    train_x, train_y, test_x, test_y = (_read_idx(found[name]) for name in _MNIST_FILES)
    for x, y in ((train_x, train_y), (test_x, test_y)):
        if x.ndim != 3 or y.ndim != 1 or len(x) != len(y):
            raise ValueError(
                f"the files in {folder} do not belong together: images of shape {x.shape}, labels of shape "
                f"{y.shape}; get all four from one source"
            )
    return Dataset(
        "MNIST",
        train_x.reshape(len(train_x), -1).astype(dtype) / np.array(255, dtype),
        train_y.astype(np.int64),
        test_x.reshape(len(test_x), -1).astype(dtype) / np.array(255, dtype),
        test_y.astype(np.int64),
        tuple("0123456789"),
        "LeCun, Bottou, Bengio and Haffner (1998)",
    )


def _find_idx(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _read_idx(path: Path) -> np.ndarray:
    """Read a file in the format of MNIST: a magic number, the shape, then one byte per value."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged ({error}); delete it and get it again") from error
    # Two zero bytes, 8 for unsigned bytes, the number of dimensions; then each as a big-endian integer.
    dimensions = content[3] if content[:3] == b"\0\0\x08" and len(content) > 3 else 0
    start = 4 + 4 * dimensions
    if not dimensions or len(content) < start:
        raise ValueError(
            f"{path} starts with {content[:4].hex(' ') or 'nothing'}; expected an IDX file of unsigned "
            "bytes, which starts with 00 00 08"
        )
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise ValueError(
            f"{path} holds {len(content) - start} values, but its shape {shape} needs {math.prod(shape)}; "
            "delete it and get it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _download(source: str, name: str, folder: Path, sha256: str) -> Path:
    """Fetch one file; it appears in the folder only once it is complete and its checksum is right."""
    import urllib.request  # slow to import, and hardly ever needed

    address = f"{source.rstrip('/')}/{name}"
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            content = answer.read()
    except OSError as error:
        raise ConnectionError(
            f"{address} could not be downloaded ({error}); try again later, pass another source=..., or put "
            f"the file into {folder} by hand"
        ) from error
    if (got := hashlib.sha256(content).hexdigest()) != sha256:
        raise ValueError(f"{address} has the SHA-256 {got}, expected {sha256}; nothing was kept")
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{name}.part"
    part.write_bytes(content)
    return part.replace(folder / name)


def batches(
    x: ArrayLike,
    y: ArrayLike,
    size: int,
    *,
    seed: int = 0,
    shuffle: bool = True,
    drop_last: bool = False,
    epoch: int = 0,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Return one epoch of mini-batches: every sample once, ``size`` at a time.

    Parameters
    ----------
    x : array_like, shape (N, ...)
    y : array_like, shape (N, ...)
    size : int
        Samples per batch, from 1 to N.
    seed : int, default 0
    shuffle : bool, default True
        Draw the samples in random order. The same seed and epoch give the same order, another epoch gives
        another one.
    drop_last : bool, default False
        Leave out the last batch if it is short.
    epoch : int, default 0
        Which epoch it is.

    Yields
    ------
    x, y : ndarray
        `count_batches` says how many there are.

    Raises
    ------
    ValueError
        At the call, if there are no samples, x and y differ in length or the size does not fit.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise ValueError(
            f"got x of shape {x.shape} and y of shape {y.shape}; expected as many labels as samples"
        )
    count = count_batches(len(x), size, drop_last=drop_last)
    if not _is_whole(epoch) or epoch < 0:
        raise ValueError(f"got epoch={epoch!r}; expected a whole number, at least 0")
    order = np.random.default_rng([*b"order", seed, epoch]).permutation(len(x)) if shuffle else None

    def cut() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, count * size, size):
            here = slice(start, start + size) if order is None else order[start : start + size]
            yield x[here], y[here]

    return cut()


def count_batches(samples: int, size: int, *, drop_last: bool = False) -> int:
    """Return how many batches an epoch has: 1000 samples, 32 at a time, make 32, the last of them short.

    With ``drop_last`` the short one is left out: 31.

    Raises
    ------
    ValueError
        If there is no sample, or the size is not a whole number from 1 to the number of samples.
    """
    if not _is_whole(samples) or samples < 1:
        raise ValueError(f"got {samples!r} samples; there must be at least one to make a batch of")
    if not _is_whole(size) or not 1 <= size <= samples:
        raise ValueError(
            f"got the batch size {size!r}; expected a whole number from 1 (one by one) to {samples} "
            "(all at once)"
        )
    return samples // size if drop_last else -(-samples // size)


def _is_whole(value) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
