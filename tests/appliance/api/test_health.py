"""Health, metrics, status, description, and what every answer carries."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from contract.errors import Unavailable
from tests.appliance.api.conftest import House


def test_ready_and_not_ready(house: House, monkeypatch):
    client = house.as_("anonymous")
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"ready": True, "problems": []}
    house.vision.fault = "the models are missing"
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.json()["problems"] == ["vision: the models are missing"]

    def full() -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(house.store, "counts", full)
    assert client.get("/readyz").json()["problems"][0] == "store: the disk is full"
    assert client.get("/healthz").status_code == 200


def test_metrics_count_and_name_nobody(house: House):
    house.enrol("Ada Lovelace")
    house.as_("guard").get("/users/0193a1b2-0000-7000-8000-000000000000")
    house.as_("guard").get("/made/up/path")
    text = house.as_("anonymous").get("/metrics").text
    values = {(s.name, *sorted(s.labels.items())): s.value
              for family in text_string_to_metric_families(text) for s in family.samples}
    assert values["sentrybox_profiles",] == 1 and values["sentrybox_templates",] == 1
    assert values["sentrybox_vision_up",] == 1 and values["sentrybox_cloud_connected",] == 0
    assert values["sentrybox_camera_live", ("camera", "roof")] == 0
    for route in ("/users/{user_id}", "none"):
        key = ("sentrybox_http_requests_total", ("method", "GET"), ("route", route), ("status", "404"))
        assert values[key] == 1
    assert "Ada" not in text


def test_status(house: House):
    house.incident()
    status = house.as_("police").get("/status").json()
    assert status["box"] == "box-1" and status["open_incidents"] is True
    assert status["link"] == {"connected": False, "reason": "the broker does not answer",
                              "since": "2026-11-23T20:00:00.000Z", "waiting": 3}


def test_every_answer_carries_the_headers(house: House):
    for path in ("/healthz", "/users", "/login", "/nowhere", "/static/app.css", "/docs"):
        headers = house.as_("anonymous").get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == ("no-cache" if path.startswith("/static") else "no-store")


def test_a_fault_of_ours_is_a_problem_without_a_traceback(house: House, monkeypatch):
    def broken() -> None:
        raise RuntimeError("secret internals")

    monkeypatch.setattr(house.vision, "cameras", broken)
    answer = house.as_("guard").get("/cameras")
    assert answer.status_code == 500 and answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text and answer.headers["content-security-policy"]


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/nowhere", 404), ("DELETE", "/incidents", 405), ("GET", "/static/../app.py", 404),
    ("GET", "/static/%2e%2e/app.py", 404), ("POST", "/healthz", 405)])
def test_what_is_not_there(house: House, method, path, status):
    answer = house.as_("admin").request(method, path)
    assert answer.status_code == status and answer.json()["status"] == status and answer.json()["detail"]


def test_docs_need_no_internet(house: House):
    page = house.as_("anonymous").get("/docs").text
    assert re.findall(r'(?:src|href)="(?![/#])[^"]*"', page) == []
    spec = house.as_("anonymous").get("/openapi.json").json()
    for path, methods in spec["paths"].items():
        assert path in page
        for operation in methods.values():
            assert "default" in operation["responses"]
    assert spec["paths"]["/users/{user_id}"]["delete"]["x-roles"] == ["admin"]
    assert spec["paths"]["/healthz"]["get"]["security"] == []
