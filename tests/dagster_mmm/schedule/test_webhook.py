"""What is posted to a webhook: its address, a secret, is in no error."""

import pytest

from dagster_mmm.schedule.webhook import Alert, AlertError, post

SECRET = "T00/B00/s3cr3t"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"http://127.0.0.1:9/{SECRET}", "cannot be reached: URLError"),
        (f"hooks.slack.com/{SECRET}", "is not a web address"),
        (f"http://host name/{SECRET}", "cannot be reached: InvalidURL"),
    ],
)
def test_the_webhooks_address_is_in_no_error(address: str, said: str) -> None:
    with pytest.raises(AlertError) as raised:
        post(address, Alert("it failed", None, None, "why", "link"))
    assert said in str(raised.value)
    assert "s3cr3t" not in str(raised.value)
