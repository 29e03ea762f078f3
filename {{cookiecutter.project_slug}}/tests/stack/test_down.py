"""`down`, and whichever Compose there is."""

import pytest

from flight_delay.docker import DockerError
from flight_delay.settings import Settings
from flight_delay.stack.passwords import complete
from flight_delay.stack.run import down

from .docker_stand_in import SERVICES, Docker


def test_down_keeps_the_data_and_with_all_removes_it(here: Settings, docker: Docker) -> None:
    docker.install()
    docker.runs(*SERVICES)
    env = here.home / ".env"
    env.write_text("POSTGRES_PASSWORD=mine\n", encoding="utf-8")
    assert down(here, everything=False) == len(SERVICES)
    assert env.is_file()
    assert "--volumes" not in docker.asked[-1]
    down(here, everything=True)
    assert docker.asked[-1] == "compose down --remove-orphans --volumes"
    assert not env.exists()


def test_with_all_what_a_person_has_set_is_kept(here: Settings, docker: Docker) -> None:
    docker.install()
    env = here.home / ".env"
    mine = "# mine\nSERVICE_PORT=8001 # not 8000\nexport GRAFANA_IMAGE=grafana@sha256:00\n"
    env.write_text(mine, encoding="utf-8")
    complete(env)
    down(here, everything=True)
    assert env.read_text("utf-8") == mine


def test_the_older_program_serves_too(here: Settings, docker: Docker) -> None:
    docker.plugin = False
    docker.install()
    docker.runs(*SERVICES)
    down(here, everything=False)
    assert docker.asked[-1] == "compose down --remove-orphans"
    assert not docker.left


def test_without_compose_it_is_said_what_to_install(
    here: Settings, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker.plugin = False
    docker.install()
    (docker.folder / "docker-compose").unlink()
    monkeypatch.setenv("PATH", str(docker.folder))
    with pytest.raises(DockerError, match="Docker Compose is not on this machine: install"):
        down(here, everything=False)
