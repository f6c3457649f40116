"""What goes between the judge and the student's process: plain data as JSON, and calls of functions.

Nothing is ever unpickled. What is no plain data arrives as an `Opaque`, which only says what it was.
"""

from __future__ import annotations

import base64
import inspect
import json
import math
import socket
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

LARGEST = 16 * 2**20  # bytes of one message
DEEPEST = 30
LONGEST_SOURCE = 20_000
# Booleans, whole numbers, floats, complex numbers: kinds of which any bytes are a value.
ARRAY_KINDS = "biufc"


class WireError(Exception):
    """A message that cannot be read or sent."""


class Opaque:
    """Something that is no plain data and stays where it is."""

    def __init__(self, kind: str, text: str):
        self.kind, self.text = kind, text

    def __repr__(self) -> str:
        return f"a {self.kind}"


class ClosedError(WireError):
    """The other side is gone."""


class LateError(WireError):
    """The other side has not answered in time."""


def encode(value: Any, offer: Callable[[Callable], dict], depth: int = 0) -> Any:
    """Return plain data as what JSON can hold.

    Parameters
    ----------
    value
        Anything.
    offer : callable
        What to send for a function: a dict by which the other side can ask to call it.
    """
    if depth > DEEPEST:
        return {"opaque": type(value).__name__, "text": "nested too deeply"}

    def inner(one: Any) -> Any:
        return encode(one, offer, depth + 1)

    if value is None or isinstance(value, bool | str):
        return value if type(value) in (bool, str, type(None)) else str(value)
    if value is ...:
        return {"ellipsis": True}
    if isinstance(value, int) and not isinstance(value, np.generic) and abs(value) < 2**63:
        return int(value)
    if isinstance(value, float) and not isinstance(value, np.generic):
        return float(value)
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # a tensor
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in ARRAY_KINDS:
        array = np.ascontiguousarray(value)
        if array.nbytes > LARGEST // 2 or _entries(array.shape) > LARGEST:
            return {"opaque": "array", "text": f"an array of shape {array.shape}"}
        text = base64.b64encode(array.tobytes()).decode()
        return {"array": text, "dtype": array.dtype.str, "shape": list(np.shape(value))}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return {"list" if isinstance(value, list) else "tuple": [inner(one) for one in value]}
    if isinstance(value, Mapping):
        return {"dict": [[inner(key), inner(one)] for key, one in value.items()]}
    if hasattr(type(value), "__float__"):  # fractions, decimals, very large whole numbers
        try:
            return float(value)
        except Exception as error:
            return {"opaque": type(value).__name__, "text": str(error)[:200]}
    if callable(value):
        return offer(value)
    return {"opaque": type(value).__name__, "text": ""}


def _entries(shape: Iterable[int]) -> int:
    """Return how many steps it takes to go through an array, also one that is empty far inside."""
    return math.prod(max(1, length) for length in shape)


def decode(message: Any, function: Callable[[dict], Any], depth: int = 0) -> Any:
    """Return what `encode` was given; functions as what `function` makes of them.

    Raises
    ------
    WireError
        For anything that `encode` does not send.
    """
    if depth > DEEPEST + 2:
        raise WireError("nested too deeply")

    def inner(one: Any) -> Any:
        return decode(one, function, depth + 1)

    if message is None or isinstance(message, bool | str | int | float):
        return message
    try:
        match message:
            case {"ellipsis": True}:
                return ...
            case {"list": list(items)}:
                return [inner(one) for one in items]
            case {"tuple": list(items)}:
                return tuple(inner(one) for one in items)
            case {"dict": list(items)}:
                return {inner(key): inner(one) for key, one in items}
            case {"array": str(text), "dtype": str(name), "shape": list(shape)}:
                dtype = np.dtype(name)
                if dtype.kind not in ARRAY_KINDS or dtype.hasobject:
                    raise WireError(f"an array of {name}")
                if _entries(shape) > LARGEST:
                    raise WireError(f"an array of shape {shape}")
                return np.frombuffer(base64.b64decode(text), dtype).reshape(shape).copy()[()]
            case {"opaque": str(kind), "text": str(text)}:
                return Opaque(kind[:80], text[:200])
            case {"function": int(), "name": str()}:
                return function(message)
    except WireError:
        raise
    except Exception as error:  # NumPy has many ways to refuse a shape or a name of a type
        raise WireError(f"unreadable: {str(error)[:200]}") from None
    raise WireError(f"unreadable: {str(message)[:80]}")


def source_of(function: Callable) -> str:
    """Return a function's text, or nothing where there is none."""
    try:
        return inspect.getsource(inspect.unwrap(function))[:LONGEST_SOURCE]
    except Exception:
        return ""


class Channel:
    """One end of a socket: whole messages, each with its length before it."""

    def __init__(self, end: socket.socket):
        self.end = end
        self._came = bytearray()  # what has come of the next message, also when it came too late

    def send(self, message: dict) -> None:
        """Send a message.

        Raises
        ------
        WireError
            If it is too large, or the other side is gone.
        """
        try:
            data = json.dumps(message).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise WireError(f"cannot be sent: {error}") from None
        if len(data) > LARGEST:
            raise WireError(f"too large to be sent: {len(data)} bytes")
        try:
            self.end.settimeout(60)
            self.end.sendall(struct.pack("!I", len(data)) + data)
        except TimeoutError:
            raise LateError from None
        except OSError:
            raise ClosedError from None

    def receive(self, deadline: float = math.inf) -> dict:
        """Return the next message.

        Parameters
        ----------
        deadline : float
            Until when, on the clock of `time.monotonic`.

        Raises
        ------
        LateError
            If it has not come by then.
        ClosedError
            If the other side is gone.
        WireError
            If it is no message.
        """
        self._wait(4, deadline)
        (length,) = struct.unpack("!I", self._came[:4])
        if length > LARGEST:
            raise WireError(f"a message of {length} bytes")
        self._wait(4 + length, deadline)
        data = bytes(self._came[4 : 4 + length])
        del self._came[: 4 + length]
        try:
            message = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise WireError(f"unreadable: {error}") from None
        if not isinstance(message, dict):
            raise WireError("unreadable: no message")
        return message

    def _wait(self, count: int, deadline: float) -> None:
        """Wait until so many bytes have come."""
        while len(self._came) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise LateError
            self.end.settimeout(None if left == math.inf else left)
            try:
                part = self.end.recv(2**20)
            except TimeoutError:
                raise LateError from None
            except OSError:
                raise ClosedError from None
            if not part:
                raise ClosedError
            self._came += part
