"""Where logging in leads."""

import pytest

from web.sign_in import inside


@pytest.mark.parametrize(("target", "goes_to"), [
    ("/ui/live", "/ui/live"), ("/ui/people?search=a%20b", "/ui/people?search=a%20b"), ("//evil.example", "/"),
    ("///evil.example/x", "/"),
    ("https://evil.example", "/"), ("/\\evil.example", "/"), ("\\\\evil", "/"), ("ui", "/"), ("", "/"),
    ("/a\r\nSet-Cookie: x", "/"), ("javascript:alert(1)", "/"),
])
def test_log_in_leads_nowhere_else(target, goes_to):
    assert inside(target) == goes_to
