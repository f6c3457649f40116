"""The data sets and the mini-batches. Nothing here reaches beyond this machine."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import struct
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimlab import datasets
from optimlab.datasets import Dataset, batches, cat_vs_dog, count_batches, digits, four_points, mnist

# Data sets


def test_the_four_points_are_those_of_the_notes_in_their_order():
    data = four_points()
    assert data.train_x.tolist() == [[2], [1], [3], [0.5]]
    assert data.train_y.tolist() == [10, 5, 15, 2.5]
    assert len(data.test_y) == 0
    assert data.train_x.dtype == data.train_y.dtype == np.float64


def test_cats_and_dogs_come_in_equal_numbers_in_the_shapes_asked_for():
    data = cat_vs_dog(128, 40, test_samples=10, dtype=np.float64)
    assert data.train_x.shape == (128, 40)
    assert data.test_x.shape == (10, 40)
    assert data.train_x.dtype == np.float64
    assert cat_vs_dog(4, 4).train_x.dtype == np.float32
    assert np.bincount(data.train_y).tolist() == [64, 64]
    assert np.bincount(data.test_y).tolist() == [5, 5]
    assert data.classes == ("cat", "dog")


@pytest.mark.parametrize("learnable", [True, False])
def test_the_same_seed_gives_the_same_cats_and_another_seed_others(learnable):
    one, two, other = (cat_vs_dog(20, 30, learnable=learnable, seed=s) for s in (3, 3, 4))
    for part in ("train_x", "train_y", "test_x", "test_y"):
        assert (getattr(one, part) == getattr(two, part)).all()
    assert not np.allclose(one.train_x, other.train_x)


def test_random_labels_belong_to_the_very_same_features():
    learnable, random = cat_vs_dog(200, 30), cat_vs_dog(200, 30, learnable=False)
    assert (learnable.train_x == random.train_x).all()
    assert (learnable.test_x == random.test_x).all()
    assert 60 < (learnable.train_y != random.train_y).sum() < 140
    assert random.name == "cat vs dog, random labels"


@pytest.mark.parametrize("features", [1, 20, 1000])
def test_who_knows_the_direction_is_right_as_often_as_stated(features):
    # The best classifier projects on the line between the two means, here estimated from many samples.
    data = cat_vs_dog(20_000 if features < 1000 else 4000, features, test_samples=4000, seed=1)
    means = [data.train_x[data.train_y == k].mean(axis=0) for k in (0, 1)]
    direction = np.where(np.abs(means[1] - means[0]) > 0.28, means[1] - means[0], 0)
    assert np.count_nonzero(direction) == min(features, 50)
    assert np.linalg.norm(direction) == pytest.approx(4, abs=0.15)
    right = (data.test_x @ direction > 0) == data.test_y
    assert right.mean() == pytest.approx(0.977, abs=0.01)  # Phi(2); four standard errors are 0.0095


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"samples": 1}, "samples=1.*at least 2"),
        ({"samples": 10.5}, "samples=10.5"),
        ({"features": 0}, "features=0"),
        ({"test_samples": -4}, "test_samples=-4"),
        ({"features": True}, "features=True"),
    ],
)
def test_numbers_that_make_no_cats_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        cat_vs_dog(**wrong)


def test_digits_are_split_by_seed_with_the_same_share_of_every_digit():
    data = digits()
    assert data.features == 64
    assert len(data.train_y) + len(data.test_y) == 1797
    assert data.train_x.min() == 0
    assert data.train_x.max() == 1
    assert data.train_x.dtype == np.float32
    share = np.bincount(data.test_y) / (np.bincount(data.train_y) + np.bincount(data.test_y))
    assert np.abs(share - 0.25).max() < 0.003
    assert (digits().test_x == data.test_x).all()
    assert not np.array_equal(digits(seed=1).test_x[:50], data.test_x[:50])


def test_digits_without_scikit_learn_say_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match="pip install scikit-learn"):
        digits()


@pytest.mark.parametrize("share", [0, 1, -0.5, float("nan")])
def test_a_test_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match=r"test_share=.*between 0 and 1"):
        digits(test_share=share)


def test_a_data_set_says_what_it_is_and_changes_its_precision():
    data = cat_vs_dog(8, 5, test_samples=4)
    assert repr(data) == "<Dataset cat vs dog: 8 training and 4 test samples, 5 features, 2 classes, float32>"
    double = data.astype(np.float64)
    assert (double.train_x.dtype, double.test_x.dtype) == (np.float64, np.float64)
    assert double.train_y.dtype == data.train_y.dtype
    assert four_points().astype(np.float32).train_y.dtype == np.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_x": np.zeros(3)}, r"mine: got train_x of shape \(3,\) and train_y of shape \(3,\)"),
        ({"train_y": np.zeros(2, int)}, r"train_x of shape \(3, 2\) and train_y of shape \(2,\)"),
        ({"train_x": np.zeros((3, 2), int)}, "train_x is int64 and train_y is int64; expected floating"),
        ({"test_x": np.array([[0, 1], [np.nan, 1]])}, "mine: test sample 1 is not finite"),
        ({"train_y": np.array([0, 1, np.inf])}, "train sample 2 is not finite"),
        ({"train_y": np.array(["a", "b", "a"])}, "train_y is <U1"),
        ({"train_y": np.array([0, 1, 2])}, "train_y holds .*0 1 2.*from 0 to 1.*a, b"),
        ({"train_y": np.array([0, 1, 0.5])}, "train_y holds"),
        ({"train_x": np.zeros((0, 2)), "train_y": np.zeros(0, int)}, "nothing to train on"),
        ({"test_x": np.zeros((2, 3))}, "train_x has 2 features and test_x 3"),
    ],
)
def test_data_that_do_not_fit_are_refused_by_name(change, message):
    parts = {
        "train_x": np.zeros((3, 2)),
        "train_y": np.array([0, 1, 0]),
        "test_x": np.zeros((2, 2)),
        "test_y": np.array([0, 1]),
    }
    Dataset("mine", **parts, classes=("a", "b"))
    with pytest.raises(ValueError, match=message):
        Dataset("mine", **parts | change, classes=("a", "b"))


# MNIST, from files that the tests write

SHAPES = {
    "train-images-idx3-ubyte": (6, 28, 28),
    "train-labels-idx1-ubyte": (6,),
    "t10k-images-idx3-ubyte": (4, 28, 28),
    "t10k-labels-idx1-ubyte": (4,),
}


def idx(values: np.ndarray) -> bytes:
    header = struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    return header + values.astype(np.uint8).tobytes()


def small_mnist() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {name: random.integers(0, 256 if len(s) > 1 else 10, s) for name, s in SHAPES.items()}


@pytest.fixture
def folder(tmp_path) -> Path:
    for name, values in small_mnist().items():
        (tmp_path / name).write_bytes(idx(values))
    return tmp_path


@pytest.fixture
def source(tmp_path_factory, monkeypatch) -> str:
    """The address of a server with a small MNIST, whose checksums are those expected."""
    served = tmp_path_factory.mktemp("served")
    sums = {}
    for name, values in small_mnist().items():
        content = gzip.compress(idx(values))
        (served / f"{name}.gz").write_bytes(content)
        sums[name] = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(datasets, "_MNIST_FILES", sums)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=served)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def assert_is_small_mnist(data: Dataset) -> None:
    expected = small_mnist()
    for part, name in (("train", "train"), ("test", "t10k")):
        pixels = expected[f"{name}-images-idx3-ubyte"].reshape(-1, 784)
        np.testing.assert_allclose(getattr(data, f"{part}_x"), pixels / 255, rtol=1e-6)
        assert (getattr(data, f"{part}_y") == expected[f"{name}-labels-idx1-ubyte"]).all()
    assert data.train_x.dtype == np.float32


def test_mnist_reads_the_four_files_packed_or_not(folder):
    assert_is_small_mnist(mnist(folder))
    for name in list(SHAPES)[:3]:
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
        (folder / name).unlink()
    assert_is_small_mnist(mnist(str(folder)))
    assert mnist(folder, dtype=np.float64).train_x.dtype == np.float64


def test_a_missing_file_is_named_with_where_it_goes_and_how_to_download_it(folder):
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError) as error:
        mnist(folder)
    for part in (str(folder), "missing t10k-labels-idx1-ubyte (", ".gz", "mnist(folder, download=True)"):
        assert part in str(error.value)
    assert "train-images" not in str(error.value)


def test_without_download_nothing_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "_download", lambda *_: pytest.fail("something was downloaded"))
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte, train-labels"):
        mnist(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_download_fetches_what_is_missing_once(tmp_path, source):
    folder = tmp_path / "new" / "mnist"
    assert_is_small_mnist(mnist(folder, download=True, source=source))
    assert sorted(p.name for p in folder.iterdir()) == sorted(f"{name}.gz" for name in SHAPES)
    assert_is_small_mnist(mnist(folder))
    assert_is_small_mnist(mnist(folder, download=True, source="http://127.0.0.1:9"))


def test_a_download_with_another_checksum_is_refused_and_not_kept(tmp_path, source, monkeypatch):
    monkeypatch.setitem(datasets._MNIST_FILES, "train-images-idx3-ubyte", "0" * 64)
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte.gz has the SHA-256 .*, expected 0{64}"):
        mnist(tmp_path, download=True, source=source)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "SOURCE/nothing-here"])
def test_a_download_that_fails_says_what_to_do(tmp_path, source, address):
    with pytest.raises(ConnectionError, match=r"train-images.*could not be downloaded.*source="):
        mnist(tmp_path, download=True, source=address.replace("SOURCE", source))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-images-idx3-ubyte", b"", "starts with nothing; expected an IDX file"),
        ("train-images-idx3-ubyte", b"<html>", "starts with 3c 68 74 6d"),
        ("train-images-idx3-ubyte", b"\0\0\x0d\3" + bytes(12), "starts with 00 00 0d 03"),
        ("train-images-idx3-ubyte", idx(np.zeros((6, 28, 28)))[:-5], "holds 4699 values.*needs 4704"),
        ("train-images-idx3-ubyte", idx(np.zeros((5, 28, 28))), r"images of shape \(5, 28, 28\), labels"),
        ("train-images-idx3-ubyte", idx(np.zeros(6)), r"images of shape \(6,\)"),
        ("t10k-labels-idx1-ubyte", idx(np.full(4, 10)), "MNIST: test_y holds .*10"),
    ],
)
def test_a_damaged_file_is_named(folder, name, content, message):
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        mnist(folder)


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:-9],
        lambda packed: b"no gzip",
        lambda packed: packed[:40] + b"\xff" * 40 + packed[80:],
    ],
)
def test_a_damaged_archive_is_named(folder, damage):
    name = "train-images-idx3-ubyte"
    packed = gzip.compress((folder / name).read_bytes())
    (folder / name).unlink()
    (folder / f"{name}.gz").write_bytes(damage(packed))
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte.gz is damaged .* delete it"):
        mnist(folder)


# Mini-batches

X, Y = np.arange(20).reshape(10, 2), np.arange(10)


def order(**options) -> list[int]:
    return [int(label) for _, y in batches(X, Y, 3, **options) for label in y]


@given(st.integers(1, 60), st.data(), st.booleans(), st.integers(0, 9))
def test_every_sample_comes_once_with_its_own_label(n, data, shuffle, epoch):
    size = data.draw(st.integers(1, n))
    x = np.arange(n)
    cut = list(batches(x, 10 * x, size, shuffle=shuffle, epoch=epoch))
    assert len(cut) == count_batches(n, size) == -(-n // size)
    assert sorted(np.concatenate([x for x, _ in cut])) == list(range(n))
    assert all((y == 10 * x).all() for x, y in cut)
    assert all(len(x) == size for x, _ in cut[:-1])


def test_1000_samples_make_32_batches_of_32_the_last_one_short_or_31_without_it():
    assert (count_batches(1000, 32), count_batches(1000, 32, drop_last=True)) == (32, 31)
    assert (count_batches(1000, 1), count_batches(1000, 1000)) == (1000, 1)
    x = np.zeros((1000, 1))
    assert [len(b) for b, _ in batches(x, x, 32)] == [32] * 31 + [8]
    assert [len(b) for b, _ in batches(x, x, 32, drop_last=True)] == [32] * 31


def test_an_epoch_is_reproducible_and_the_next_has_another_order():
    assert order(seed=1, epoch=2) == order(seed=1, epoch=2)
    assert len({tuple(order(seed=s, epoch=e)) for s in range(3) for e in range(3)}) == 9


def test_the_order_does_not_depend_on_the_size_of_a_batch():
    assert order(seed=4) == [int(y) for _, (y,) in batches(X, Y, 1, seed=4)]


def test_without_shuffling_the_order_is_that_of_the_data_in_every_epoch():
    assert order(shuffle=False) == order(shuffle=False, seed=5, epoch=3) == list(range(10))


@pytest.mark.parametrize("size", [0, -1, 11, 2.5, 3.0, "3", None, True])
def test_a_batch_size_that_does_not_fit_is_refused_at_the_call(size):
    with pytest.raises(
        ValueError, match=r"batch size .*; expected a whole number from 1 .* to 10 \(all at once"
    ):
        batches(X, Y, size)


def test_no_samples_unequal_lengths_and_a_wrong_epoch_are_refused():
    with pytest.raises(ValueError, match="got 0 samples"):
        batches(X[:0], Y[:0], 1)
    with pytest.raises(ValueError, match=r"x of shape \(10, 2\) and y of shape \(9,\)"):
        batches(X, Y[:9], 2)
    with pytest.raises(ValueError, match=r"x of shape \(\)"):
        batches(1.0, 2.0, 1)
    with pytest.raises(ValueError, match="epoch=-1"):
        batches(X, Y, 2, epoch=-1)
