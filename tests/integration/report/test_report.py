import json
import re
import stat
import threading
import urllib.error
import urllib.request
from http.client import HTTPConnection

import pytest

from habitlake.errors import PermanentError
from habitlake.report.serve import server
from habitlake.report.write import night_file, report_folder, write_night, write_person
from habitlake.runtime import background, postgres, report_ui
from tests.integration.report.rows import HERO, NIGHT, PEOPLE, person


def test_the_nights_page_holds_no_persons_identifier(pages):
    html = pages["night"].read_text()
    named = [person(index) for index in range(1, PEOPLE) if re.search(rf"\b{person(index)}\b", html)]
    assert named == []
    assert "You had 3 sessions" not in html
    assert len(html) < 500_000


def test_the_same_night_gives_the_same_bytes(world, pages, tmp_path):
    again = write_night(world, NIGHT, tmp_path / "again.html").path
    assert again.read_bytes() == pages["night"].read_bytes()


def test_a_persons_page_is_private_and_its_name_tells_nothing(world):
    path = write_person(world, HERO, NIGHT).path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert re.fullmatch(r"[0-9a-f]{24}\.html", path.name)
    path.unlink()


def test_unknown_nights_people_and_folders_are_clear_errors(world, tmp_path):
    with pytest.raises(PermanentError, match=r"night 2026-01-01 was never run; the nights run are 2026-02-20\.\.2026"):
        write_night(world, NIGHT.replace(month=1, day=1))
    with pytest.raises(PermanentError, match="no person 'nobody' is known"):
        write_person(world, "nobody", NIGHT)
    with pytest.raises(PermanentError, match="make it first"):
        write_night(world, NIGHT, tmp_path / "no" / "page.html")


def test_without_a_date_the_newest_night_that_ended_well_is_reported(world, tmp_path):
    written = write_night(world, out=tmp_path)
    assert written.path.name == "night-2026-03-30.html"
    assert "no gate has checked night 2026-03-30" in str(written.panels["gates"])


def test_the_job_and_the_command_write_the_page(world, job):
    page = report_folder(world) / night_file(NIGHT)
    job(world, "habitlake.report", "--start", str(NIGHT.replace(day=1)), "--end", str(NIGHT))
    assert "Night of Tue 31 Mar 2026" in page.read_text()
    page.unlink()
    answer = json.loads(job(world, "habitlake.cli.app", "report", "--night", str(NIGHT), "--json").stdout)
    assert answer["path"] == str(page)
    assert answer["panels"]["retention"] == "filled"
    refused = job(world, "habitlake.cli.app", "report", "--user", "nobody", "--night", str(NIGHT), check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: no person 'nobody'")
    page.unlink()


def test_a_mart_that_lost_a_column_costs_its_panel_alone(world, tmp_path):
    with postgres.connect("habitlake", world) as connection:
        connection.execute("ALTER TABLE marts.mart_goal_achievement RENAME COLUMN reached TO got_there")
    try:
        panels = write_night(world, NIGHT, tmp_path).panels
    finally:
        with postgres.connect("habitlake", world) as connection:
            connection.execute("ALTER TABLE marts.mart_goal_achievement RENAME COLUMN got_there TO reached")
    assert 'column "reached" does not exist' in str(panels.pop("goal_achievement"))
    assert set(panels.values()) == {None}


@pytest.fixture
def served(tmp_path):
    """A folder with two nights and what must not be served, and the port of its server."""
    folder = tmp_path / "report"
    (folder / "people").mkdir(parents=True)
    (tmp_path / "secret.html").write_text("secret")
    for name in ("night-2026-03-30.html", "night-2026-03-31.html", "people/aa.html", ".night-2026-03-31.html.7"):
        (folder / name).write_text(f"page {name}")
    running = server(folder, 0)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running.server_address[1]
    running.shutdown()
    thread.join()
    running.server_close()


def ask(port: int, path: str, host: str = "127.0.0.1", method: str = "GET") -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={"Host": host})
    answer = connection.getresponse()
    return answer.status, answer.headers.get("Location") or answer.read().decode()


def test_the_server_knows_the_pages_of_nights_and_nothing_else(served):
    assert ask(served, "/") == (302, "/night-2026-03-31.html")
    assert ask(served, "/night-2026-03-30.html") == (200, "page night-2026-03-30.html")
    assert ask(served, "/night-2026-03-30.html", method="HEAD") == (200, "")
    for path in ("/people/aa.html", "/people/", "/../secret.html", "/%2e%2e/secret.html", "/..%2fsecret.html",
                 "//etc/passwd", "/.night-2026-03-31.html.7", "/night-2026-04-01.html", "/people/../../secret.html"):  # fmt: skip
        assert ask(served, path) == (404, "no such page\n"), path
    assert ask(served, "/night-2026-03-30.html", host="rebound.example")[0] == 421
    assert ask(served, "/", method="POST")[0] == 501


def test_the_pages_are_up_on_the_loopback_and_down_again(world):
    (report_folder(world)).mkdir(exist_ok=True)
    address = report_ui.up(world)
    try:
        assert report_ui.up(world) == address
        process = background.running(world.run_dir / "report.json", report_ui.MODULE)["report"]
        listening = {one.laddr.ip for one in process.net_connections("tcp") if one.status == "LISTEN"}
        assert listening == {"127.0.0.1"}
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(address, timeout=10)
        assert b"habitlake report" in error.value.read()
    finally:
        report_ui.down(world)
    assert not report_ui.is_running(world)
    assert not background.answers(int(address.rsplit(":", 1)[1]))
