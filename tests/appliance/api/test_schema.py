"""Requests made up from the OpenAPI description: none finds a fault of ours, and answers are what was described."""

from types import SimpleNamespace

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from starlette.requests import Request

from appliance.api.app import build_app
from appliance.api.auth import RULES
from appliance.api.services import Services
from tests.appliance.api.conftest import open_house
from tests.appliance.api.serve import serving
from tests.support.fakes import face
from web.openapi import document

# Streams end with the listener, so they are left out here; test_events.py and test_cameras.py follow them.
ENDLESS = ["/events", "/cameras/{camera}/live"]


def description() -> schemathesis.BaseSchema:
    """The same for every box, so no box is needed to write it."""
    parts = SimpleNamespace(subscribe=None, accounts=SimpleNamespace(by_token=None, by_session=None))
    app = build_app(Services(store=parts, vision=parts, cameras=parts, matcher=parts, link=parts, box="x", version="0",
                             space_of=parts))
    return schemathesis.openapi.from_dict(document(Request({"type": "http", "app": app}), RULES))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A served box with somebody in it: (address, headers of an admin)."""
    with open_house(tmp_path_factory.mktemp("box")) as house, serving(house.app) as address:
        ada = house.enrol("Ada")
        house.incident(affected_user=ada["id"])
        house.vision.photos[b"0"] = (face("Zoe"),)
        yield address, {"Authorization": f"Bearer {house.tokens['admin']}"}


@description().exclude(path=ENDLESS).parametrize()
@settings(max_examples=20, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
          suppress_health_check=list(HealthCheck))
def test_no_request_breaks_the_box(case: schemathesis.Case, served: tuple[str, dict[str, str]]):
    address, headers = served
    answer = case.call(base_url=address, headers=headers)
    assert answer.status_code != 500, answer.text
    case.validate_response(answer, checks=[content_type_conformance, response_schema_conformance])
