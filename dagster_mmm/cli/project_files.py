"""What `mmm init` writes into a project folder."""

import json
import re
from pathlib import Path

from dagster_mmm import environment
from dagster_mmm.inputs.proposal import Entry, Proposal

# Texts that YAML reads as texts without quotes.
_PLAIN = re.compile(r"[A-Za-z_][\w./ -]*[\w./-]|[A-Za-z_]")
_READ_OTHERWISE = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", "none"}

GITIGNORE = """\
# What the job makes, Dagster's own records, and secrets.
/data/
/history/
/schedules/
/storage/
/logs/
/.*
!/.gitignore
!/.env.example
"""

ENV_EXAMPLE = """\
# Copy it to .env, which `mmm` reads and git ignores. A variable that is set already stays.
# The warehouse; without it, data/warehouse.duckdb.
#MMM_WAREHOUSE_URL=postgresql+psycopg://user:password@host:5432/database
# Where failures are posted, as Slack's incoming webhooks take them.
#MMM_ALERT_WEBHOOK=https://hooks.slack.com/services/...
"""

README = """\
# Marketing mix model: {model_key}

`mmm.yaml` says what is read and fitted. In this folder:

    mmm data check   # is the input fit to be used?
    mmm run          # the week once: input, fit, gate, published tables
    mmm ui           # Dagster's UI at http://localhost:3000: runs, plots, schedules
    mmm dashboard    # what has been published, at http://localhost:8501

Everything that is made is in `data/`; results are in the schema `mmm` of the warehouse.
"""


def settings_text(proposal: Proposal, model_key: str, of_input: dict[str, str], source: str) -> str:
    """The settings file, a reason beside each line.

    Args:
        proposal: what it says.
        model_key: the model.
        of_input: further keys of `input`: the table, and the file if there is one.
        source: what the proposal was made from, in words.
    """
    lines = [
        f"# Proposed by `mmm init` for {source}, each line with its reason: correct what is wrong.",
        _line("model_key", model_key),
        *_mapping(proposal.currency),
        "",
        "input:",
        *(f"  {_line(key, value)}" for key, value in of_input.items()),
        *(f"  {line}" for entry in proposal.input for line in _mapping(entry)),
        "",
        f"outcome: {_flow(proposal.outcome)}",
    ]
    for title in ("channels", "organic", "controls"):
        entries: list[Entry] = getattr(proposal, title)
        if entries:
            lines += ["", f"{title}:", *(f"  - {_flow(entry)}" for entry in entries)]
    if proposal.left_out:
        lines += ["", "# Left out:"]
        lines += [_comment(f"- {column}: {reason}") for column, reason in proposal.left_out.items()]
    return "\n".join(lines) + "\n"


def project_files(settings: str, model_key: str) -> dict[str, str]:
    """The files of a project, by name."""
    return {
        environment.PROJECT_SETTINGS: settings,
        "dagster.yaml": (environment.ROOT / "deploy" / "local" / "dagster.yaml").read_text(),
        "workspace.yaml": (environment.ROOT / "workspace.yaml").read_text(),
        ".gitignore": GITIGNORE,
        ".env.example": ENV_EXAMPLE,
        "README.md": README.format(model_key=model_key),
    }


def existing(folder: Path, files: dict[str, str]) -> list[str]:
    """Those of the files that are there already."""
    return [name for name in files if (folder / name).exists()]


def write(folder: Path, files: dict[str, str]) -> None:
    """Write the files, in place of those that are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def _mapping(entry: Entry) -> list[str]:
    return [f"{_line(key, value)}  {_comment(entry.reason)}" for key, value in entry.keys.items()]


def _flow(entry: Entry) -> str:
    keys = dict(entry.keys)
    # The column is the name where nothing else is said.
    if keys.get("column") == keys.get("name"):
        del keys["column"]
    inner = ", ".join(_line(key, value) for key, value in keys.items())
    return f"{{{inner}}}  {_comment(entry.reason)}"


def _comment(text: str) -> str:
    # The name of a column may have a line's end in it.
    return f"# {' '.join(text.split())}"


def _line(key: str, value: str | float) -> str:
    return f"{key}: {_scalar(value)}"


def _scalar(value: str | float) -> str:
    if not isinstance(value, str):
        return repr(value)
    is_plain = _PLAIN.fullmatch(value) and value.casefold() not in _READ_OTHERWISE
    # JSON's texts are YAML's.
    return value if is_plain else json.dumps(value, ensure_ascii=False)
