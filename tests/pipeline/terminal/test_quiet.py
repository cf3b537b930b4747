"""The flood goes to the log, from Python, from C and from children; the terminal stays ours."""

import logging
import subprocess
import sys

SCRIPT = """
import logging, os, sys, warnings
from pathlib import Path
from pipeline.terminal import quiet

terminal = quiet.keep(sys.stdout)
print("before")
with quiet.capture(Path(sys.argv[1])):
    print("python out"); print("python err", file=sys.stderr)
    os.write(1, b"c out\\n"); os.write(2, b"c err\\n")
    os.system("echo child out; echo child err >&2")
    warnings.warn("a warning")
    logging.getLogger("tfx").info("a record")
    from absl import logging as absl_logging
    absl_logging.info("an absl record")
    terminal.write("view\\n")
print("after")
logging.getLogger("tfx").info("not shown")
"""


def test_only_the_view_reaches_the_terminal(tmp_path):
    log = tmp_path / "logs" / "1.log"
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(log)], capture_output=True, text=True, check=True)
    assert done.stdout == "before\nview\nafter\n"
    assert done.stderr == ""
    text = log.read_text()
    flood = (
        "python out",
        "python err",
        "c out",
        "c err",
        "child out",
        "child err",
        "a warning",
        "a record",
        "an absl record",
    )
    assert [line for line in flood if line not in text] == []
    assert "INFO tfx: a record" in text
    assert "not shown" not in text
    assert text.count("an absl record") == 1


def test_outputs_come_back_after_an_exception(tmp_path, capfd):
    from pipeline.terminal import quiet

    try:
        with quiet.capture(tmp_path / "1.log"):
            raise ZeroDivisionError
    except ZeroDivisionError:
        print("back")
    assert capfd.readouterr().out == "back\n"


def test_long_messages_are_cut_unless_something_is_wrong(tmp_path):
    from pipeline.terminal import quiet

    with quiet.capture(tmp_path / "1.log"):
        logging.getLogger("tfx").info("a definition %s", "x" * 5000)
        logging.getLogger("tfx").error("a fault %s", "y" * 5000)
    text = (tmp_path / "1.log").read_text()
    assert "a definition xxx" in text
    assert 1500 < text.count("x") < 2000
    assert "... (50" in text
    assert text.count("y") == 5000


def test_leaving_runs_what_is_registered_and_flushes_but_takes_nothing_down():
    code = (
        "import atexit, sys; from pipeline.terminal import quiet\n"
        "class Module:\n    def __del__(self): print('taken down')\n"
        "kept = Module(); atexit.register(print, 'registered'); sys.stdout.write('said '); quiet.leave(4)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (4, "said registered\n", "")
