"""What an on-call engineer is told, as a message in Slack's shape, posted to a webhook."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

# Slack refuses a longer section.
MAX_REASON = 2_900
POST_SECONDS = 10


class AlertError(RuntimeError):
    """The webhook has not taken the alert; the message has nothing of its address, a secret."""


@dataclass(frozen=True)
class Alert:
    """One thing that somebody has to look at.

    Attributes:
        headline: what happened, in a few words.
        model_key: the model, or None where it is of all of them.
        run_id: the Dagster run, or None where no run was involved.
        reason: why, with what to do where that is known.
        link: where the Dagster UI has more of it.
    """

    headline: str
    model_key: str | None
    run_id: str | None
    reason: str
    link: str

    def payload(self) -> dict[str, Any]:
        """The message in Slack's blocks; `text` has all of it for whoever shows no blocks."""
        model, run = self.model_key or "all models", self.run_id or "no run"
        title = f"{model}: {self.headline}"
        reason = self.reason[:MAX_REASON]
        return {
            "text": _escaped(f"{title}\n{reason}\n{self.link}"),
            "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": title[:150]}},
                {
                    "type": "section",
                    "fields": [
                        {"type": "mrkdwn", "text": f"*Model*\n{_escaped(model)}"},
                        {"type": "mrkdwn", "text": f"*Run*\n<{self.link}|{_escaped(run)}>"},
                    ],
                },
                {"type": "section", "text": {"type": "mrkdwn", "text": _escaped(reason)}},
            ],
        }


def post(webhook: str, alert: Alert) -> None:
    """Post an alert.

    Args:
        webhook: its URL, which is a secret: whoever has it can write there.
        alert: what to say.

    Raises:
        AlertError: if it is no web address, cannot be reached, or answers with an error.
    """
    if not webhook.startswith(("https://", "http://")):
        raise AlertError("MMM_ALERT_WEBHOOK is not a web address; it begins with https://")
    body = json.dumps(alert.payload()).encode()
    headers = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(webhook, body, headers, method="POST")
        with urllib.request.urlopen(request, timeout=POST_SECONDS):
            pass
    except urllib.error.HTTPError as error:
        raise AlertError(
            f"the webhook of MMM_ALERT_WEBHOOK answers {error.code}; see that it still exists"
        ) from None
    except (OSError, HTTPException) as error:
        # Its text may quote the address.
        raise AlertError(
            f"the webhook of MMM_ALERT_WEBHOOK cannot be reached: {type(error).__name__}"
        ) from None


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
