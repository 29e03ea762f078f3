"""A Docker Engine of the tests' own, on a socket in a scratch folder, and a base image from Debian.

No container registry is asked: `debootstrap` makes what the Dockerfile's base would be, once, and
the engine imports it under that name. Two engines at the same time do not disturb each other. What
an engine mounted, wrote or let through the firewall is gone when its block ends; the empty chains
that every Docker adds to the firewall are not.
"""

import contextlib
import functools
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from answers import TEMPLATE
from machine import require
from shell import environment

BASE = "python:3.11-slim-bookworm"
"""What the stand-in is called: the Python of Debian 12 is the one that the template asks for."""
ROOTFS = TEMPLATE / "build" / "debian-python.tar"
PACKAGES = "ca-certificates,python3,python3-venv,python3-pip"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
INSTALL = "apt-get install docker.io debootstrap iproute2"
# Debian's command line knows BuildKit; one that comes earlier on the PATH may not.
COMMAND_LINE = Path("/usr/bin/docker")
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Engine:
    """A running engine, and how to talk to it."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    """For a command that is to talk to it, such as the project's own."""

    def environment(self, **extra: str) -> dict[str, str]:
        """Return a user's environment in which `docker` means this engine."""
        return environment(**self.variables, **extra)

    def run(
        self, *arguments: str, code: int = 0, seconds: int = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run a docker command and require its exit code."""
        done = subprocess.run(
            [COMMAND_LINE, *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, f"docker {' '.join(arguments)}: {done.returncode}\n{said}"
        return done

    def docker(self, *arguments: str, seconds: int = 600) -> str:
        """Run a docker command that must succeed and return what it printed."""
        return self.run(*arguments, seconds=seconds).stdout.strip()


@contextlib.contextmanager
def engine_with_base() -> Iterator[Engine]:
    """Run an engine that can build the project's images, until the block ends."""
    with bridge() as network, running_engine("--bridge", network) as engine:
        import_base(engine)
        yield engine


@contextlib.contextmanager
def running_engine(*options: str, data: Path | None = None) -> Iterator[Engine]:
    """Run an engine until the block ends.

    Args:
        options: more of them for dockerd.
        data: where it keeps images and containers, by default in a folder of its own.
    """
    dockerd = require("dockerd", INSTALL)
    if os.geteuid() != 0:
        pytest.skip("dockerd is to be run by root: run the tests as root, in a virtual machine")
    folder = Path(tempfile.mkdtemp(prefix="slipway-"))  # short, as the path of a socket has to be
    programs = folder / "bin"
    programs.mkdir()
    (programs / "docker").symlink_to(require(str(COMMAND_LINE), INSTALL))
    address = f"unix://{folder}/docker.sock"
    # Should the tests be killed, it ends too.
    command: list[Path | str] = ["setpriv", "--pdeathsig", "TERM", dockerd, "-H", address]
    command += ["--data-root", data or folder / "data", "--exec-root", folder / "exec"]
    command += ["--pidfile", folder / "docker.pid", *options]
    variables = {
        "DOCKER_HOST": address,
        "DOCKER_BUILDKIT": "1",
        "DOCKER_CONFIG": str(folder / "config"),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    engine = Engine(folder, variables)
    log = folder / "dockerd.log"
    with log.open("wb") as said:
        daemon = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)
    try:
        _wait(engine, daemon, log)
        yield engine
        _remove_containers(engine)
    finally:
        _stop(daemon)
        _unmount(folder)
        shutil.rmtree(folder)


@contextlib.contextmanager
def bridge() -> Iterator[str]:
    """Make a network bridge until the block ends, so that two engines do not share one."""
    require("ip", INSTALL)
    number = os.getpid()
    name = f"slipway{number}"
    network = f"10.{200 + number // 256 % 50}.{number % 256}"
    # One of this name was left by tests that were killed, under the same number.
    subprocess.run(["ip", "link", "delete", name], stderr=subprocess.DEVNULL, check=False)
    try:
        for arguments in (
            f"link add name {name} type bridge",
            f"address add {network}.1/24 dev {name}",
            f"link set {name} up",
        ):
            subprocess.run(["ip", *arguments.split()], check=True)
        yield name
    finally:
        subprocess.run(["ip", "link", "delete", name], check=True)
        _remove_rules(name, f"{network}.0/24")


def _remove_rules(*names: str) -> None:
    """Remove the rules of the firewall that an engine made for a bridge and its addresses."""
    for table in ("filter", "nat"):
        iptables = ["iptables", "--wait", "--table", table]
        rules = subprocess.run([*iptables, "-S"], capture_output=True, text=True, check=True).stdout
        for rule in rules.splitlines():
            if rule.startswith("-A") and set(names) & set(rule.split()):
                subprocess.run([*iptables, "-D", *shlex.split(rule)[1:]], check=True)


def import_base(engine: Engine) -> None:
    """Give an engine the stand-in for the Dockerfile's base."""
    if not ROOTFS.is_file():
        _make_rootfs(engine.folder / "rootfs")
    path = "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    changes = (f"ENV {path}", "ENV LANG=C.UTF-8", 'CMD ["python3"]')
    options = [part for change in changes for part in ("--change", change)]
    engine.docker("import", *options, str(ROOTFS), BASE)


def _make_rootfs(root: Path) -> None:
    """Make a Debian with Python, as the official image has it: without bytecode. Pack it."""
    debootstrap = require("debootstrap", INSTALL)
    options = ["--variant=minbase", f"--include={PACKAGES}", "bookworm"]
    done = subprocess.run(
        [debootstrap, *options, root], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for name, target in (("python", "python3"), ("python3", "python3"), ("pip", "pip3")):
        (root / "usr/local/bin" / name).symlink_to(f"/usr/bin/{target}")
    for left_out in (*root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"), *root.rglob("*.pyc")):
        left_out.unlink()
    # Whatever vouches for the package index here does so in a build, for pip and for uv.
    shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    (root / "etc/uv").mkdir()
    (root / "etc/uv/uv.toml").write_text("system-certs = true\n", encoding="utf-8")
    for cache in ("var/cache/apt", "var/lib/apt/lists", "var/log"):
        shutil.rmtree(root / cache)
        (root / cache).mkdir()
    ROOTFS.parent.mkdir(exist_ok=True)
    unfinished = ROOTFS.with_suffix(f".{os.getpid()}")
    subprocess.run(["tar", "--numeric-owner", "-C", root, "-cf", unfinished, "."], check=True)
    unfinished.replace(ROOTFS)
    shutil.rmtree(root)


def _wait(engine: Engine, daemon: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the engine answers; fail with the end of its log when it does not."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    ask = functools.partial(
        subprocess.run,
        [COMMAND_LINE, "version"],
        env=engine.environment(),
        capture_output=True,
        check=False,
    )
    while ask().returncode:
        late = time.monotonic() > deadline
        assert not late, log.read_text("utf-8")[-3000:]
        assert daemon.poll() is None, log.read_text("utf-8")[-3000:]
        time.sleep(0.2)


def _remove_containers(engine: Engine) -> None:
    """Remove what tests left running; their networks take their rules with them."""
    if left := engine.docker("ps", "--all", "--quiet").split():
        engine.docker("rm", "--force", "--volumes", *left)
    engine.docker("network", "prune", "--force")


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait()


def _unmount(folder: Path) -> None:
    """Unmount what is still mounted below a folder, the innermost first."""
    lines = Path("/proc/self/mounts").read_text("utf-8").splitlines()
    places = [line.split()[1] for line in lines]
    for place in sorted((one for one in places if one.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", place], check=True)
