"""The manifests: valid by the operator's own schema, whole, and without a secret."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from adclick_cli import defaults, kubernetes, settings
from adclick_cli.commands.program import app
from adclick_cli.errors import ParameterError
from adclick_cli.runtime import functions
from adclick_cli.sql import render

pytestmark = pytest.mark.usefixtures("no_settings")

SCHEMA = Path(__file__).parents[1] / "kubernetes" / "flinkdeployments.flink.apache.org-v1.yml.gz"
LOGIN = {
    "bootstrap_servers": "broker:9093",
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "SCRAM-SHA-512",
    "sasl_username": "somebody",
    "sasl_password": "hidden",
}


def _made(functions: str | None = None, **chosen: Any) -> list[dict[str, Any]]:
    loaded = settings.load(**chosen)
    return kubernetes.manifests(loaded, loaded.pipeline(), kubernetes.Wishes("image:1", functions=functions))


def _kind(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next(one for one in objects if one["kind"] == kind)


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as Kubernetes applies it with strict field validation: a field that it does not name is an error."""
    found = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes")}
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    if "properties" in schema:
        found["properties"] = {name: _strict(one) for name, one in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            found["additionalProperties"] = False
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            found[name] = _strict(schema[name])
    return found


@pytest.fixture(scope="module")
def validator() -> Any:
    crd = yaml.load(gzip.decompress(SCHEMA.read_bytes()), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    schema = _strict(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    schema["properties"] |= {name: {} for name in ("apiVersion", "kind", "metadata")}
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("chosen", [{}, LOGIN, {"functions": "a-1.jar"}], ids=["plain", "login", "functions"])
def test_the_deployment_is_one_that_the_operator_takes(validator: Any, chosen: dict[str, Any]) -> None:
    deployment = _kind(_made(**chosen), "FlinkDeployment")
    assert [error.message for error in validator.iter_errors(deployment)] == []


def test_the_schema_catches_what_is_wrong(validator: Any) -> None:
    deployment = _kind(_made(), "FlinkDeployment")
    deployment["spec"]["taskManager"]["ressource"] = {}
    deployment["spec"]["flinkVersion"] = "2.2"
    assert len(list(validator.iter_errors(deployment))) == 2


def test_the_sql_is_what_submit_sends() -> None:
    objects = _made(bootstrap_servers="broker:9092", window="30s")
    pipeline = settings.load(bootstrap_servers="broker:9092", window="30s").pipeline()
    assert _kind(objects, "ConfigMap")["data"] == {kubernetes.SCRIPT_FILE: render.script(pipeline)}


def test_the_job_finds_the_script_and_the_cluster() -> None:
    objects = _made()
    pod = _kind(objects, "Job")["spec"]["template"]["spec"]
    env = {one["name"]: one["value"] for one in pod["containers"][0]["env"]}
    mount = pod["containers"][0]["volumeMounts"][0]
    assert env["SCRIPT"] == f"{mount['mountPath']}/{kubernetes.SCRIPT_FILE}"
    assert pod["volumes"][0]["configMap"]["name"] == _kind(objects, "ConfigMap")["metadata"]["name"]
    # The operator calls the service of a cluster's REST interface so.
    assert env["FLINK_REST"] == _kind(objects, "FlinkDeployment")["metadata"]["name"] + "-rest"
    # A second try would submit the jobs of the first one again.
    assert _kind(objects, "Job")["spec"]["backoffLimit"] == 0
    assert pod["restartPolicy"] == "Never"


def test_secrets_are_only_referred_to() -> None:
    objects = _made(**LOGIN)
    text = kubernetes.as_yaml(objects)
    assert "hidden" not in text
    assert "somebody" not in text
    pod = _kind(objects, "FlinkDeployment")["spec"]["podTemplate"]["spec"]
    assert pod["volumes"][1]["secret"]["secretName"] == kubernetes.SECRET
    path = f"{kubernetes.SECRET_FOLDER}/{kubernetes.SECRET_FILE}"
    assert f"${{adclick:{path}:sasl.jaas.config}}" in _kind(objects, "ConfigMap")["data"][kubernetes.SCRIPT_FILE]
    assert pod["containers"][0]["volumeMounts"][1]["mountPath"] == kubernetes.SECRET_FOLDER
    assert kubernetes.SECRET not in kubernetes.as_yaml(_made())


def test_the_yaml_says_what_was_meant() -> None:
    for objects in (_made(), _made(**LOGIN)):
        assert list(yaml.safe_load_all(kubernetes.as_yaml(objects))) == objects
    odd = [{"a": "x\ny", "b": " x\ny\n", "c": [["1"], [], {}], "d": "yes: #", "e": None, "f": "é\n\nz\n"}]
    assert list(yaml.safe_load_all(kubernetes.as_yaml(odd))) == odd


def test_the_jar_is_named_and_mounted_wherever_flink_runs() -> None:
    objects = _made("adclick-functions-0af.jar")
    for pod in (
        _kind(objects, "FlinkDeployment")["spec"]["podTemplate"]["spec"],
        _kind(objects, "Job")["spec"]["template"]["spec"],
    ):
        volume = next(one for one in pod["volumes"] if one["name"] == "functions")
        items = [{"key": "adclick-functions-0af.jar", "path": "adclick-functions.jar"}]
        assert volume["configMap"] == {"name": "adclick-functions-0af", "items": items}
        mount = next(one for one in pod["containers"][0]["volumeMounts"] if one["name"] == "functions")
        # The folder has the image's own jars in it.
        assert (mount["mountPath"], mount["subPath"]) == (
            "/opt/flink/lib/adclick-functions.jar",
            "adclick-functions.jar",
        )
    assert "adclick-functions" not in kubernetes.as_yaml(_made())


def test_render_writes_the_jar_that_the_manifests_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("ADCLICK_JAR_CACHE", str(cache))
    cache.mkdir()
    made = functions.expected(cache)
    made.write_bytes(b"jar")
    file = tmp_path / "the jar"
    done = CliRunner().invoke(app, ["render", "--target", "kubernetes", "--jar", str(file)])
    assert file.read_bytes() == b"jar"
    objects = list(yaml.safe_load_all(done.stdout))
    assert kubernetes.as_yaml(objects).count(f'key: "{made.name}"') == 2
    command = f"kubectl create configmap {made.stem} --from-file='{made.name}={file}', then kubectl apply -f FILE"
    assert command in done.stderr
    done = CliRunner().invoke(app, ["render", "--jar", str(file)])
    assert done.stdout == render.script(settings.load().pipeline())
    assert f"Wrote {file} ({made.name})" in done.stderr


def test_a_jar_that_cannot_be_written_is_said_before_any_sql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADCLICK_JAR_CACHE", str(tmp_path))
    functions.expected(tmp_path).write_bytes(b"jar")
    done = CliRunner().invoke(app, ["render", "--jar", str(tmp_path)])
    assert isinstance(done.exception, ParameterError)
    assert done.exception.field == "jar"
    assert done.stdout == ""


def test_the_command_writes_the_same() -> None:
    done = CliRunner().invoke(app, ["render", "--target", "kubernetes", "--portable", "--image", "image:1"])
    assert list(yaml.safe_load_all(done.stdout)) == _made(portable=True)
    assert defaults.FLINK_VERSION in defaults.KUBERNETES_IMAGE
