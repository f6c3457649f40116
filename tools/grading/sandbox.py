"""What a process can give up before it runs somebody else's code.

`limits` and `audit` work wherever Python does, `alone` and `landlock` on Linux, if the kernel allows them.
The audit hook is a fence and no wall: it sees what Python does, not what machine code does. Landlock, the
namespaces and the limits are the kernel's; nothing in the process gets around them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

# From the headers of Linux; the numbers of the system calls are the same on x86-64 and ARM64.
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 0x00020000, 0x08000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
SYS_LANDLOCK = 444  # create a ruleset; 445 adds a rule, 446 restricts
LANDLOCK_EXECUTE, LANDLOCK_WRITE_FILE, LANDLOCK_READ_FILE, LANDLOCK_READ_DIR = 1, 2, 4, 8
LANDLOCK_TRUNCATE, LANDLOCK_IOCTL = 1 << 14, 1 << 15
CAPABILITY_VERSION = 0x20080522

ON_LINUX = sys.platform == "linux"


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """End this process when the one that started it ends, however that happens."""
    if ON_LINUX:
        _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def limits(memory: int, seconds: int, file: int = 16 * 2**20) -> None:
    """Limit the memory (bytes), the processor's time (seconds) and the size of a written file (bytes)."""
    import resource

    for name, most in {
        "RLIMIT_AS": memory,
        "RLIMIT_CPU": seconds,
        "RLIMIT_FSIZE": file,
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 128,
    }.items():
        with contextlib.suppress(ValueError, OSError, AttributeError):  # macOS knows no limit of memory
            resource.setrlimit(getattr(resource, name), (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing too much is an error in Python


def alone(folder: str, size: int = 64 * 2**20) -> bool:
    """Leave the network and all other processes, and write to a disk in memory at `folder`.

    The process that returns from here is a descendant of the caller's, in a process namespace of its own:
    when it ends, all that it started end, too. It must have one thread: call this before NumPy is imported.

    Returns
    -------
    bool
        Whether the kernel allowed it.
    """
    if not ON_LINUX:
        return False
    user, group = os.getuid(), os.getgid()
    libc = _libc()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWPID) != 0:
        return False
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        options = f"size={size},nr_inodes=4096".encode()
        if libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, options) == 0:
            os.chdir(folder)
    # Twice: the kernel spares the first process of a namespace most signals, so that a crash would look like
    # another one. That first process only waits; when it ends, so does everything in the namespace.
    for _ in range(2):
        if child := os.fork():
            _, status = os.waitpid(child, 0)
            code = os.waitstatus_to_exitcode(status)
            os._exit(128 - code if code < 0 else code)
        die_with_parent()
    # The new namespace made this process its master; it needs none of that.
    libc.capset(struct.pack("Ii", CAPABILITY_VERSION, 0), bytes(24))
    return True


def landlock(readable: Iterable[str], writable: Iterable[str]) -> int:
    """Let this process open nothing but these files and folders, for good; return Landlock's version or 0.

    Where the kernel knows how, also connecting to other machines and signals to other processes are refused.
    """
    if not ON_LINUX:
        return 0
    libc = _libc()
    version = libc.syscall(SYS_LANDLOCK, None, 0, 1)
    if version < 1:
        return 0
    files = (1 << {1: 13, 2: 14}.get(version, 15)) - 1 | (LANDLOCK_IOCTL if version >= 5 else 0)
    handled = [files, 3 if version >= 4 else 0, 3 if version >= 6 else 0]
    attributes = struct.pack("QQQ", *handled)[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = libc.syscall(SYS_LANDLOCK, attributes, len(attributes), 0)
    if rules < 0:
        return 0
    of_a_file = LANDLOCK_EXECUTE | LANDLOCK_WRITE_FILE | LANDLOCK_READ_FILE
    of_a_file |= LANDLOCK_TRUNCATE | LANDLOCK_IOCTL
    reading = LANDLOCK_EXECUTE | LANDLOCK_READ_FILE | LANDLOCK_READ_DIR
    for paths, rights in ((readable, reading), (writable, files)):
        for path in paths:
            try:
                handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            allowed = rights & files if os.path.isdir(path) else rights & files & of_a_file
            libc.syscall(SYS_LANDLOCK + 1, rules, 1, struct.pack("=Qi", allowed, handle), 0)
            os.close(handle)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    restricted = libc.syscall(SYS_LANDLOCK + 2, rules, 0) == 0
    os.close(rules)
    return version if restricted else 0


# Events of Python (see the standard library's table of audit events) that name a path first, and that write.
PATH_EVENTS = {
    **dict.fromkeys(["os.listdir", "os.scandir", "os.chdir", "os.fwalk", "os.walk"], False),
    **dict.fromkeys(["os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown"], True),
    **dict.fromkeys(["os.utime", "shutil.rmtree", "sqlite3.connect"], True),
}
TWO_PATH_EVENTS = {"os.rename", "os.link", "os.symlink"}
REFUSED = {
    "os.system": "starting a program",
    "os.exec": "starting a program",
    "os.posix_spawn": "starting a program",
    "os.spawn": "starting a program",
    "subprocess.Popen": "starting a program",
    "os.fork": "starting a process",
    "os.forkpty": "starting a process",
    "pty.spawn": "starting a program",
    "os.kill": "a signal to a process",
    "os.killpg": "a signal to a process",
    "resource.setrlimit": "changing the limits",
    "resource.prlimit": "changing the limits",
}
REFUSED_KINDS = {"socket": "the network", "ctypes": "calling machine code"}
# What a socket, once made, cannot do any harm with; logging and asyncio call it.
HARMLESS = {"socket.gethostname"}


def audit(readable: Iterable[str], writable: Iterable[str], report: Callable[[str], None]) -> None:
    """Refuse files elsewhere, programs, signals, sockets and machine code from now on; report each try."""
    abspath, fspath, separator = os.path.abspath, os.fspath, os.sep
    write = tuple({abspath(p) for p in writable} | {os.path.realpath(p) for p in writable})
    read = (*write, *({abspath(p) for p in readable} | {os.path.realpath(p) for p in readable}))
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    busy = False

    def refuse(what: str) -> None:
        nonlocal busy
        if not busy:
            busy = True  # reporting may cause events itself
            try:
                report(what)
            finally:
                busy = False
        raise PermissionError(f"{what} is not allowed while this is graded")

    def check(path: object, to_write: bool) -> None:
        if path is None or isinstance(path, int):
            return
        text = fspath(path)
        text = abspath(text.decode(errors="replace") if isinstance(text, bytes) else text)
        for allowed in write if to_write else read:
            if text == allowed or text.startswith(allowed.rstrip(separator) + separator):
                return
        refuse(f"{'writing' if to_write else 'reading'} {text[:200]}")

    def hook(event: str, arguments: tuple) -> None:
        if event == "open":
            path, mode, flags = arguments
            if isinstance(mode, str):
                check(path, any(letter in mode for letter in "wax+"))
            else:
                check(path, bool(flags & writing))
        elif event in PATH_EVENTS:
            check(arguments[0], PATH_EVENTS[event])
        elif event in TWO_PATH_EVENTS:
            check(arguments[0], True)
            check(arguments[1], True)
        elif event in REFUSED:
            refuse(REFUSED[event])
        elif (kind := event.partition(".")[0]) in REFUSED_KINDS and event not in HARMLESS:
            refuse(REFUSED_KINDS[kind])

    sys.addaudithook(hook)
