"""The chart of deploy/helm, rendered by Helm itself and held against Kubernetes' schemas and docker-compose.yml."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
import yaml

from tests.portal import ROOT
from tests.security.test_compose import KNOWN
from tests.zenvoices.test_deployment import is_setting, settings_variables

pytestmark = pytest.mark.thorough

helm = pytest.importorskip("helm_python", reason="helm-python-sdk has no wheel for this machine")

CHART = ROOT / "deploy" / "helm" / "zenvoices"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
GIVEN = {
    "image": {"repository": "registry.example.nl/zenvoices", "digest": f"sha256:{'0' * 64}"},
    "settings": {"BASE_URL": "https://portal.example.nl", "DOCUMENT_STORAGE": "s3://documents/portal"},
    "ingress": {"tlsSecretName": "portal-tls"},
    "filesSecretName": "files",
}
PROCESSES = ["beat", "migrate", "web", "worker-checks", "worker-documents", "worker-fetch"]
VERSIONS = ("1.27", "1.33")
#: in a compose of one's own the passwords stand alone, in a Secret the addresses that hold them
IN_ADDRESS = {"POSTGRES_PASSWORD": "DATABASE_URL", "POSTGRES_OWNER_PASSWORD": "MIGRATION_DATABASE_URL",
              "REDIS_PASSWORD": "REDIS_URL"}  # fmt: skip
#: files, which every process with a provider's secret has
IN_FILES = {"ENTRA_CLIENT_CERTIFICATE"}


def schemas() -> Any:
    """Kubernetes' own. Only now: to import them takes two seconds, of every process that collects tests."""
    return pytest.importorskip("kubernetes_validate")


@cache
def rendered() -> list[dict[str, Any]]:
    return render(GIVEN)


def render(values: dict[str, Any]) -> list[dict[str, Any]]:
    with helm.Chart.load(str(CHART)) as chart:
        files = chart.render(values, name="portal", namespace="office")
    return [document for text in files.values() for document in yaml.safe_load_all(text) if document]


def named(kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"].removeprefix("portal-"): one for one in rendered() if one["kind"] == kind}


def pod(name: str) -> dict[str, Any]:
    spec: dict[str, Any] = (named("Deployment") | named("Job"))[name]["spec"]["template"]["spec"]
    return spec


def container(name: str) -> dict[str, Any]:
    [only] = pod(name)["containers"]
    return dict(only)


def secrets(name: str) -> dict[str, bool]:
    """What it is given of the Secret, and whether it starts without."""
    given = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in container(name)["env"] if "valueFrom" in one}
    assert {(reference["name"], reference["key"]) for reference in given.values()} == {
        ("zenvoices", variable) for variable in given
    }
    return {variable: reference["optional"] for variable, reference in given.items()}


def told(name: str) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container(name)["env"] if "value" in one}


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_every_object(version: str) -> None:
    for document in rendered():
        schemas().validate(document, version, strict=True)


VARIANTS: dict[str, dict[str, Any]] = {
    "one registry's key": {"image": {**GIVEN["image"], "pullSecrets": [{"name": "registry"}]}},  # type: ignore[dict-item]
    "another ingress": {"ingress": {"tlsSecretName": "tls", "className": "nginx", "annotations": {}}},
    "no ingress": {"ingress": {"enabled": False}},
    "one who may reach the web": {"networkPolicy": {"from": [{"podSelector": {"matchLabels": {"app": "proxy"}}}]}},
    "no policy": {"networkPolicy": {"enabled": False}},
    "no files": {"filesSecretName": ""},
    "an authority of one's own": {"authoritiesConfigMap": "authorities"},
    "more of one": {"processes": {"worker-fetch": {"replicas": 5, "memory": "4Gi"}}},
}


@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.proof
def test_helm_and_kubernetes_take_every_object_of_a_variant(values: dict[str, Any]) -> None:
    said = helm.lint(str(CHART), GIVEN | values, strict=True)
    # An icon is for a catalogue of charts.
    assert ([one["error"] for one in said["messages"]], said["errors"]) == (["icon is recommended"], [])
    for document in render(GIVEN | values):
        schemas().validate(document, VERSIONS[-1], strict=True)


@pytest.mark.parametrize(("value", "told_as"), [(50_000_000, "50000000"), (0.5, "0.5"), (20, "20"), (True, "true")])
def test_setting_is_told_as_the_values_have_it(value: float, told_as: str) -> None:
    """Helm reads each number of a values file as a float, and would write a million as 1e+06."""
    settings = GIVEN["settings"] | {"MAIL_MAX_BYTES": value}  # type: ignore[operator]
    pods = [one["spec"]["template"]["spec"] for one in render(GIVEN | {"settings": settings}) if one["kind"] == "Job"]
    [variable] = [one for one in pods[0]["containers"][0]["env"] if one["name"] == "MAIL_MAX_BYTES"]
    assert variable["value"] == told_as


def test_value_stands_in_the_settings_or_in_the_secret_and_never_twice() -> None:
    """Kubernetes takes the last of two, whichever that is."""
    settings = GIVEN["settings"] | {"SENTRY_DSN": "https://key@sentry.example.nl/1"}  # type: ignore[operator]
    for one in render(GIVEN | {"settings": settings}):
        if one["kind"] in ("Deployment", "Job"):
            [program] = one["spec"]["template"]["spec"]["containers"]
            [told] = [entry for entry in program["env"] if entry["name"] == "SENTRY_DSN"]
            assert told["value"] == settings["SENTRY_DSN"]


def test_processes_are_those_of_compose() -> None:
    assert sorted(named("Deployment") | named("Job")) == PROCESSES
    ours = {name for name, service in COMPOSE.items() if service["image"] == "zenvoices:local"}
    assert ours == set(PROCESSES)


@pytest.mark.parametrize("name", PROCESSES)
def test_process_runs_what_it_runs_in_compose(name: str) -> None:
    service = COMPOSE[name]
    assert container(name).get("command") == service.get("command")
    assert told(name).get("WITHHELD") == service["environment"].get("WITHHELD")
    memory = service["mem_limit"].upper() + "i"
    assert container(name)["resources"]["limits"]["memory"] == memory


@pytest.mark.parametrize("name", PROCESSES)
def test_process_knows_the_secrets_that_it_knows_in_compose(name: str) -> None:
    """And the address of the cache, and the name that goes with the bucket's key."""
    expected = {IN_ADDRESS.get(secret, secret) for secret in KNOWN[name]} - IN_FILES
    assert set(secrets(name)) - {"CACHE_URL", "AWS_ACCESS_KEY_ID"} == expected
    has_files = {volume["name"] for volume in pod(name)["volumes"]} >= {"files"}
    assert has_files == ("ENTRA_CLIENT_CERTIFICATE" in KNOWN[name])


@pytest.mark.parametrize("name", PROCESSES)
def test_variable_is_a_setting(name: str) -> None:
    aws = {"AWS_ACCESS_KEY_ID"}
    assert {one for one in (*told(name), *secrets(name)) if not is_setting(one)} - aws == set()


def test_pod_is_given_no_setting_that_names_a_file_it_has_not() -> None:
    paths = {"ENTRA_CLIENT_CERTIFICATE": "/etc/zenvoices/pair.pem", "OUTBOUND_CA_FILE": "/etc/zenvoices-authorities/ca"}
    values = {"settings": GIVEN["settings"] | paths, "authoritiesConfigMap": "authorities"}  # type: ignore[operator]
    for one in render(GIVEN | values):
        if one["kind"] not in ("Deployment", "Job"):
            continue
        [program] = one["spec"]["template"]["spec"]["containers"]
        mounted = {mount["mountPath"] for mount in program["volumeMounts"]}
        named = {entry["value"].rpartition("/")[0] for entry in program["env"] if entry["name"] in paths}
        assert "/etc/zenvoices-authorities" in named <= mounted, program["name"]


def test_pod_does_not_start_without_what_it_must_have() -> None:
    needed = {variable for name in PROCESSES for variable, optional in secrets(name).items() if not optional}
    assert needed == {"SECRET_KEY", "CREDENTIAL_KEYS", "DATABASE_URL", "REDIS_URL", "EMAIL_URL"}
    assert needed <= settings_variables()


@pytest.mark.parametrize("name", PROCESSES)
def test_pod_is_shut_in_as_in_compose(name: str) -> None:
    image = f"{GIVEN['image']['repository']}@{GIVEN['image']['digest']}"  # type: ignore[index]
    assert container(name)["image"] == image
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    user = re.search(r"--uid (\d+)", (ROOT / "Dockerfile").read_text())
    assert user
    shut = pod(name)["securityContext"]
    assert (shut["runAsNonRoot"], shut["runAsUser"], shut["seccompProfile"]) == (
        True,
        int(user[1]),
        {"type": "RuntimeDefault"},
    )
    assert pod(name)["automountServiceAccountToken"] is False
    written = {mount["mountPath"] for mount in container(name)["volumeMounts"] if not mount.get("readOnly")}
    assert written == ({"/tmp"} if name == "beat" else {"/tmp", "/data"})
    assert told(name)["DATA_DIR"] == ("/tmp/beat" if name == "beat" else "/data")


@pytest.mark.parametrize("name", [name for name in PROCESSES if name not in ("migrate", "web")])
def test_health_is_asked_as_in_compose(name: str) -> None:
    probe = container(name).get("livenessProbe") or container(name)["readinessProbe"]
    assert probe["exec"]["command"][-1] == COMPOSE[name]["healthcheck"]["test"][-1].replace("$$", "$")


def test_web_is_asked_whether_it_lives() -> None:
    for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
        assert container("web")[probe]["httpGet"] == {"path": "/healthz", "port": "http"}


def test_broker_that_is_away_ends_no_fetch() -> None:
    """Workers are asked through it, so their health is told and not acted on."""
    acted_on = {name for name in PROCESSES if "livenessProbe" in container(name)}
    assert acted_on == {"web", "beat"}


def test_there_is_one_beat_and_every_other_process_may_lose_one_pod() -> None:
    assert named("Deployment")["beat"]["spec"]["replicas"] == 1
    assert named("Deployment")["beat"]["spec"]["strategy"] == {"type": "Recreate"}
    assert set(named("PodDisruptionBudget")) == set(PROCESSES) - {"beat", "migrate"}


def test_database_is_migrated_before_anything_is_replaced() -> None:
    assert named("Job")["migrate"]["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"


def test_only_the_web_pods_are_reached_at_the_host_of_the_base_url() -> None:
    [rule] = named("Ingress")["portal"]["spec"]["rules"]
    assert (rule["host"], rule["http"]["paths"][0]["backend"]["service"]["name"]) == ("portal.example.nl", "portal-web")
    selected = named("Service")["web"]["spec"]["selector"]
    assert selected["app.kubernetes.io/component"] == "web"
    policies = named("NetworkPolicy")
    assert {name: "ingress" in policy["spec"] for name, policy in policies.items()} == {"portal": False, "web": True}
    assert policies["web"]["spec"]["podSelector"]["matchLabels"] == selected


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"image": {}}, "image.repository"),
        ({"settings": {"BASE_URL": "https://p.nl"}}, "settings.DOCUMENT_STORAGE"),
        ({"settings": {"DOCUMENT_STORAGE": "s3://b"}}, "settings.BASE_URL"),
        ({"ingress": {}}, "ingress.tlsSecretName"),
    ],
)
def test_what_is_missing_is_named(missing: dict[str, Any], said: str) -> None:
    with pytest.raises(helm.HelmError, match=re.escape(said)):
        render(GIVEN | missing)
