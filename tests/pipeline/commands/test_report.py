"""`easel report`: a page that exists is named at once."""

import json

from tests.pipeline.commands.command import easel
from tests.pipeline.history.writer import Writer


def test_a_page_that_exists_is_named_without_drawing_it(config_file, folders):
    workspace = folders / "work"
    workspace.mkdir()
    Writer(workspace).context("pipeline_run", "20260102-030405-000006", configuration="{}")
    page = workspace / "runs" / "20260102-030405-000006" / "report.html"
    page.parent.mkdir(parents=True)
    page.write_text("the page")
    result = easel("report", "--workspace", workspace)
    assert (result.exit_code, result.stdout.strip(), result.stderr) == (0, str(page), "")
    document = json.loads(easel("report", "2026", "--workspace", workspace, "--json").stdout)
    assert document == {"run": "20260102-030405-000006", "report": str(page)}
    # Asked to draw it, it cannot: the configuration is none. The page stays.
    again = easel("report", "--workspace", workspace, "--again")
    assert again.exit_code == 2
    assert page.read_text() == "the page"
