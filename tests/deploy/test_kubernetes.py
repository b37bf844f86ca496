"""What deploy/kubernetes renders to: valid objects that keep to our policies, fit each other and fit the programs.

No cluster runs here. Objects are rendered by kubectl and checked by kubernetes-validate: `make check-kubernetes`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from batches import finished
from pods import can_start_containers, make_volume, start_container
from service import Service, free_port
from typer.main import get_command

from invoicegen import __version__
from invoicegen.console import app
from invoicegen.project import generate_options, parse_overrides
from invoicegen.serving.app import create_app
from invoicegen.serving.keys import KeyStore
from invoicegen.serving.metrics import Metrics
from invoicegen.serving.options import ServiceOptions

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
TOOLS = ROOT / ".venv-deploy" / "bin"
OVERLAYS = ("dev", "production")
JOBS = ("generate", "train", "train-gpu", "publish", "restore")
SERVICES = ("api", "batches", "annotation")
KINDS_OF_OPERATORS = {"ExternalSecret", "PrometheusRule", "ServiceMonitor"}
"""Kinds that Kubernetes itself does not know, so that there is no schema of theirs here."""

Object = dict[str, Any]

pytestmark = pytest.mark.skipif(
    not (TOOLS / "kubectl").is_file(), reason="needs kubectl: make check-kubernetes"
)


@pytest.fixture(scope="session")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of objects for each overlay and job."""
    target = tmp_path_factory.mktemp("kubernetes")
    files = {}
    for folder in sorted([*FOLDER.glob("overlays/*"), *FOLDER.glob("jobs/*")]):
        done = subprocess.run([TOOLS / "kubectl", "kustomize", folder], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), f"{folder}: {done.stderr}"
        files[folder.name] = target / f"{folder.name}.yaml"
        files[folder.name].write_text(done.stdout)
    return files


@pytest.fixture(scope="session")
def rendered(manifests: dict[str, Path]) -> dict[str, list[Object]]:
    return {name: list(yaml.safe_load_all(file.read_text())) for name, file in manifests.items()}


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest, rendered: dict[str, list[Object]]) -> list[Object]:
    """The objects of an overlay."""
    return rendered[request.param]


def of_kind(objects: list[Object], *kinds: str) -> dict[str, Object]:
    """Objects by name."""
    return {one["metadata"]["name"]: one for one in objects if one["kind"] in kinds}


def template(workload: Object) -> Object | None:
    """The pod that an object makes, if any."""
    if workload["kind"] == "CronJob":
        workload = workload["spec"]["jobTemplate"]
    spec = workload.get("spec", {})
    return (
        spec.get("template")
        if "template" in spec and "containers" in spec["template"].get("spec", {})
        else None
    )


def pods(objects: list[Object]) -> dict[str, Object]:
    """Pod templates by the name of what makes them."""
    return {one["metadata"]["name"]: made for one in objects if (made := template(one)) is not None}


def containers(pod: Object) -> Iterator[Object]:
    yield from pod["spec"].get("initContainers", [])
    yield from pod["spec"]["containers"]


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector takes an object."""
    known = {"matchLabels", "matchExpressions"}
    assert set(selector) <= known
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        one["operator"] == "In" and labels.get(one["key"]) in one["values"]
        for one in selector.get("matchExpressions", [])
    )


def settings(objects: list[Object], pod: Object) -> dict[str, str]:
    """The environment of a service."""
    (container,) = pod["spec"]["containers"]
    maps = of_kind(objects, "ConfigMap")
    given = {}
    for source in container["envFrom"]:
        given |= maps[source["configMapRef"]["name"]]["data"]
    return given | {one["name"]: one["value"] for one in container["env"]}


def amount(quantity: str | int) -> float:
    """A quantity of Kubernetes as a number."""
    number, unit = re.fullmatch(r"(\d+)(m|[KMGT]i)?", str(quantity)).groups()
    return int(number) * {None: 1, "m": 0.001, "Mi": 2**20, "Gi": 2**30}[unit]


@pytest.mark.parametrize("version", ["1.33", "1.37"])
def test_objects_are_as_kubernetes_describes_them(manifests, rendered, version):
    assert set(manifests) == {*OVERLAYS, *JOBS, "storage"}
    done = subprocess.run(
        [TOOLS / "kubernetes-validate", "--strict", "--kubernetes-version", version, *manifests.values()],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    passed = [line for line in done.stdout.splitlines() if line.startswith("INFO")]
    others = [line for line in done.stdout.splitlines() if not line.startswith("INFO")]
    unknown = {line.split("schema for kind ")[1].split()[0] for line in others}
    assert unknown == KINDS_OF_OPERATORS, done.stdout
    assert len(passed) + len(others) == sum(map(len, rendered.values()))


@pytest.mark.parametrize("name", [*OVERLAYS, *JOBS])
def test_pods_have_no_rights(rendered, name):
    made = pods(rendered[name])
    assert made
    accounts = of_kind(rendered["production"], "ServiceAccount")
    for owner, pod in made.items():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, owner
        assert accounts[spec["serviceAccountName"]]["automountServiceAccountToken"] is False, owner
        assert spec["enableServiceLinks"] is False, (
            f"{owner}: a Service's variables could be taken for settings"
        )
        assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(spec), owner
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True, owner
        assert (context["runAsUser"], context["runAsGroup"]) == (10001, 10001), owner
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, owner
        assert all(
            set(volume) - {"name"} <= {"emptyDir", "secret", "persistentVolumeClaim"}
            for volume in spec.get("volumes", [])
        ), owner
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, owner


@pytest.mark.parametrize("name", [*OVERLAYS, *JOBS])
def test_pods_have_requests_limits_bounded_volumes_and_pinned_images(rendered, name):
    for owner, pod in pods(rendered[name]).items():
        for container in containers(pod):
            resources = container["resources"]
            for kind in ("cpu", "memory", "ephemeral-storage"):
                assert amount(resources["requests"][kind]) <= amount(resources["limits"][kind]), (owner, kind)
            repository, _, tag = container["image"].rpartition(":")
            assert re.fullmatch(r"\d+\.\d+\.\d+(-\w+)?", tag), container["image"]
            if "invoicegen" in repository:
                assert tag.removesuffix("-cuda") == __version__, container["image"]
            mounted = {one["name"] for one in container.get("volumeMounts", [])}
            assert mounted <= {one["name"] for one in pod["spec"].get("volumes", [])} | {"state"}, owner
        for volume in pod["spec"].get("volumes", []):
            assert "emptyDir" not in volume or "sizeLimit" in volume["emptyDir"], (owner, volume["name"])


def test_no_secret_is_in_the_tree(rendered):
    documented = (ROOT / "docs" / "deployment" / "kubernetes.md").read_text()
    for objects in rendered.values():
        assert not of_kind(objects, "Secret")
        for owner, pod in pods(objects).items():
            for volume in pod["spec"].get("volumes", []):
                if "secret" in volume:
                    assert f"`{volume['secret']['secretName']}`" in documented, owner
    targets = {
        one["spec"]["target"]["name"] for one in of_kind(rendered["production"], "ExternalSecret").values()
    }
    used = {
        volume["secret"]["secretName"]
        for pod in pods(rendered["production"]).values()
        for volume in pod["spec"]["volumes"]
        if "secret" in volume
    }
    assert used == targets


def test_the_name_space_admits_restricted_pods_alone(overlay):
    (namespace,) = of_kind(overlay, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {one["metadata"]["namespace"] for one in overlay if one is not namespace} == {
        namespace["metadata"]["name"]
    }


def test_every_workload_has_probes_and_one_disruption_budget(overlay):
    workloads = of_kind(overlay, "Deployment", "StatefulSet")
    assert set(SERVICES) <= set(workloads)
    budgets = of_kind(overlay, "PodDisruptionBudget").values()
    for name, workload in workloads.items():
        labels = template(workload)["metadata"]["labels"]
        assert selects(workload["spec"]["selector"], labels), name
        assert [
            one["spec"]["maxUnavailable"] for one in budgets if selects(one["spec"]["selector"], labels)
        ] == [1]
        (container,) = template(workload)["spec"]["containers"]
        ports = {port["name"] for port in container["ports"]}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = container[probe].get("httpGet") or container[probe].get("tcpSocket") or {"port": None}
            assert asked["port"] in ports | {None}, (name, probe)


def test_services_stop_after_what_is_in_hand(overlay):
    for name in SERVICES:
        pod = pods(overlay)[name]
        (container,) = pod["spec"]["containers"]
        proxies = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        drain = int(settings(overlay, pod)["INVOICEGEN_DRAIN_TIMEOUT_S"])
        assert pod["spec"]["terminationGracePeriodSeconds"] >= proxies + drain + 10, name
    (container,) = pods(overlay)["api"]["spec"]["containers"]
    assert int(settings(overlay, pods(overlay)["api"])["INVOICEGEN_DRAIN_TIMEOUT_S"]) >= (
        ServiceOptions().extract_timeout_s
    )


def test_settings_are_those_of_the_programs(overlay, monkeypatch, tmp_path):
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "INVOICEGEN_WEBHOOK_SECRET").write_text("whsec_" + "A" * 32)
    (secrets / "INVOICEGEN_RATE_LIMIT_STORAGE").write_text("rediss://user:word@redis.example.com:6379/0")
    commands = get_command(app).commands
    for name in SERVICES:
        pod = pods(overlay)[name]
        (container,) = pod["spec"]["containers"]
        program, command = container["command"]
        assert program == "invoicegen"
        assert command in commands
        given = settings(overlay, pod)
        mounts = {one["mountPath"] for one in container["volumeMounts"]}
        assert {given["INVOICEGEN_SECRETS_DIR"], str(Path(given["INVOICEGEN_KEYS"]).parent)} <= mounts
        options_of = options_class(command)
        with monkeypatch.context() as environment:
            for variable in [one for one in os.environ if one.startswith("INVOICEGEN_")]:
                environment.delenv(variable)
            for variable, value in given.items():
                field = variable.removeprefix("INVOICEGEN_").lower()
                assert field in {*ServiceOptions.model_fields, *options_of.model_fields, "secrets_dir"}, (
                    variable
                )
                environment.setenv(variable, value)
            environment.setenv("INVOICEGEN_SECRETS_DIR", str(secrets))
            options = options_of()
        (port,) = (one["containerPort"] for one in container["ports"])
        assert (options.host, options.port) == ("0.0.0.0", port)
        limit = amount(container["resources"]["limits"]["memory"])
        assert limit >= options.workers * options.worker_memory_bytes + 2**29, name
        if "INVOICEGEN_RATE_LIMIT_STORAGE" not in given:
            assert options.rate_limit_storage.get_secret_value().startswith("rediss://user:word@")
        if name != "annotation":
            assert options.batches == (name == "batches")
        if name == "batches":
            assert options.state.parent == Path("/var/lib/invoicegen")
            assert str(options.state.parent) in mounts


def options_class(command: str) -> Any:
    """The settings that a command has."""
    from invoicegen.serving import options

    return {"serve": options.ServiceOptions, "serve-ocr": options.OcrServiceOptions}[command]


def test_the_autoscaler_asks_for_what_there_is(rendered):
    objects = rendered["production"]
    scalers = of_kind(objects, "HorizontalPodAutoscaler")
    assert set(scalers) == {"api", "annotation"}
    for name, scaler in scalers.items():
        target = scaler["spec"]["scaleTargetRef"]
        assert (target["kind"], target["name"]) == ("Deployment", name)
        assert "replicas" not in of_kind(objects, "Deployment")[name]["spec"]
        assert scaler["spec"]["minReplicas"] >= 2
    (metric,) = (one["pods"] for one in scalers["api"]["spec"]["metrics"] if one["type"] == "Pods")
    workers = settings(objects, pods(objects)["api"])["INVOICEGEN_WORKERS"]
    assert metric["target"] == {"type": "AverageValue", "averageValue": workers}
    names = {family.name for family in Metrics().registry.collect()}
    (rule,) = yaml.safe_load((FOLDER / "adapter" / "values.yaml").read_text())["rules"]["custom"]
    assert metric["metric"]["name"] == rule["name"]["as"]
    assert re.match(rule["name"]["matches"], rule["name"]["as"])
    assert rule["seriesQuery"].split("{")[0] in names


def test_nobody_reaches_anybody_but_on_the_needed_ways(overlay):
    policies = of_kind(overlay, "NetworkPolicy")
    denied = policies.pop("default-deny")["spec"]
    assert denied == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    entries, exits = {}, {}
    for policy in policies.values():
        (direction,) = policy["spec"]["policyTypes"]
        ways = entries if direction == "Ingress" else exits
        for rule in policy["spec"][direction.lower()]:
            others = sorted(map(describe, rule["from" if direction == "Ingress" else "to"]))
            for owner, pod in pods(overlay).items():
                if selects(policy["spec"]["podSelector"], pod["metadata"]["labels"]):
                    ports = sorted({str(port["port"]) for port in rule["ports"]})
                    ways.setdefault(owner, []).append((others, ports))
                    if direction == "Ingress":
                        (container,) = pod["spec"]["containers"]
                        assert set(ports) <= {port["name"] for port in container["ports"]}
    from_outside = (["namespace monitoring, prometheus", "namespace traefik, traefik"], ["http"])
    in_cluster = "redis" in pods(overlay)
    assert entries == {
        **{name: [from_outside] for name in SERVICES},
        **({"redis": [(["api|batches|annotation"], ["redis"])]} if in_cluster else {}),
    }
    names = (["namespace kube-system, kube-dns"], ["53"])
    redis = (["redis"], ["redis"]) if in_cluster else (["10.0.0.0/16"], ["6379"])
    webhooks = (["0.0.0.0/0 but for 6"], ["443"])
    assert {owner: sorted(ways) for owner, ways in exits.items()} == {
        owner: sorted([names, redis, *([webhooks] if owner == "batches" and not in_cluster else [])])
        for owner in SERVICES
    }


def describe(peer: Object) -> str:
    if "ipBlock" in peer:
        excluded = len(peer["ipBlock"].get("except", []))
        return peer["ipBlock"]["cidr"] + (f" but for {excluded}" if excluded else "")
    selector = peer["podSelector"]
    labels = "|".join(
        [*selector.get("matchLabels", {}).values()]
        + [value for one in selector.get("matchExpressions", []) for value in one["values"]]
    )
    if "namespaceSelector" not in peer:
        return labels
    (namespace,) = peer["namespaceSelector"]["matchLabels"].values()
    return f"namespace {namespace}, {labels}"


def test_requests_come_to_the_service_that_answers_them(overlay, tmp_path):
    (ingress,) = of_kind(overlay, "Ingress").values()
    (rule,) = ingress["spec"]["rules"]
    services = of_kind(overlay, "Service")

    def backend(path: str) -> str | None:
        for one in rule["http"]["paths"]:
            exact, prefix = one["path"] == path, path.startswith(one["path"].rstrip("/") + "/")
            if exact or (prefix and one["pathType"] == "Prefix"):
                return one["backend"]["service"]["name"]
        return None

    for service in services.values():
        (made,) = [
            pod for pod in pods(overlay).values()
            if selects({"matchLabels": service["spec"]["selector"]}, pod["metadata"]["labels"])
        ]  # fmt: skip
        (container,) = made["spec"]["containers"]
        (port,) = service["spec"]["ports"]
        ports = {one["name"]: one["containerPort"] for one in container["ports"]}
        assert ports[port["targetPort"]] == port["port"]
    for one in rule["http"]["paths"]:
        named = one["backend"]["service"]
        assert named["port"]["name"] in {port["name"] for port in services[named["name"]]["spec"]["ports"]}
    operations = create_app(ServiceOptions(state=tmp_path)).openapi()["paths"]
    for path in operations:
        if path.startswith("/v1/batches"):
            assert backend(path) == "batches", path
        elif path.startswith("/v1/"):
            assert backend(path) == "api", path
        else:
            assert backend(path) is None, f"{path} is for the inside"
    assert {
        path: backend(path) for path in ("/", "/docs", "/openapi.json", "/static/page.css")
    } == dict.fromkeys(("/", "/docs", "/openapi.json", "/static/page.css"), "api")
    assert backend("/v1/ocr") == backend("/v1/engines") == "annotation"


def test_production_is_encrypted_and_watched(rendered):
    objects = rendered["production"]
    (ingress,) = of_kind(objects, "Ingress").values()
    hosts = {rule["host"] for rule in ingress["spec"]["rules"]}
    assert {host for one in ingress["spec"]["tls"] for host in one["hosts"]} == hosts
    watched: dict[str, str] = {}
    for monitor in of_kind(objects, "ServiceMonitor").values():
        (endpoint,) = monitor["spec"]["endpoints"]
        (job,) = endpoint["relabelings"]
        assert (endpoint["port"], endpoint["path"], job["targetLabel"]) == ("http", "/metrics", "job")
        for name, service in of_kind(objects, "Service").items():
            if selects(monitor["spec"]["selector"], service["metadata"]["labels"]):
                watched[name] = job["replacement"]
    assert watched == {"api": "invoicegen", "batches": "invoicegen", "annotation": "annotation"}
    (group,) = of_kind(objects, "PrometheusRule")["backup"]["spec"]["groups"]
    (watch,) = group["rules"]
    assert f'cronjob="{next(iter(of_kind(objects, "CronJob")))}"' in watch["expr"]


def test_claims_are_there_and_those_of_one_machine_are_used_on_one(rendered):
    claims = of_kind(rendered["storage"], "PersistentVolumeClaim")
    shared = {name for name, one in claims.items() if one["spec"]["accessModes"] == ["ReadWriteMany"]}
    (state,) = of_kind(rendered["production"], "StatefulSet")["batches"]["spec"]["volumeClaimTemplates"]
    known = {
        *claims,
        *of_kind(rendered["production"], "PersistentVolumeClaim"),
        f"{state['metadata']['name']}-batches-0",
    }
    users: dict[str, set[str]] = {}
    for name in ("production", *JOBS):
        for owner, pod in pods(rendered[name]).items():
            for volume in pod["spec"].get("volumes", []):
                if "persistentVolumeClaim" in volume:
                    users.setdefault(volume["persistentVolumeClaim"]["claimName"], set()).add(owner)
    assert set(users) <= known
    assert {name for name, owners in users.items() if {"api", "generate"} & owners} <= shared
    (near,) = pods(rendered["production"])["backup"]["spec"]["affinity"]["podAffinity"].values()
    assert [(one["topologyKey"], one["labelSelector"]["matchLabels"]) for one in near] == [
        ("kubernetes.io/hostname", {"app.kubernetes.io/component": "batches"})
    ]


def parameters(container: Object) -> dict[str, Any]:
    (given,) = (one.removeprefix("--params=") for one in container["args"] if one.startswith("--params="))
    return parse_overrides(given.split(","))


def test_shards_are_those_of_the_completion_indexes(rendered):
    (job,) = of_kind(rendered["generate"], "Job").values()
    (container,) = job["spec"]["template"]["spec"]["containers"]
    given = parameters(container)
    assert job["spec"]["completionMode"] == "Indexed"
    assert given["generate"]["shards"] == job["spec"]["completions"]
    assert given["generate"]["shard"] == "$(JOB_COMPLETION_INDEX)"
    given["generate"]["shard"] = 0
    options = generate_options(overrides=given)
    names = []
    for index in range(job["spec"]["completions"]):
        of_index = options.model_copy(update={"shard": index}).shard_names()
        assert of_index
        names += of_index
    (describe,) = pods(rendered["train"])["train"]["spec"]["initContainers"]
    whole = generate_options(overrides=parameters(describe))
    assert sorted(names) == sorted(whole.shard_names())
    assert whole.fingerprint == options.fingerprint
    assert given["execution"]["workers"] == amount(container["resources"]["limits"]["cpu"])


def test_each_process_of_a_training_has_a_gpu(rendered):
    (container,) = pods(rendered["train-gpu"])["train"]["spec"]["containers"]
    (processes,) = (one.split("=")[1] for one in container["command"] if one.startswith("--nproc-per-node"))
    assert container["resources"]["limits"]["nvidia.com/gpu"] == processes
    (image,) = {one["image"] for one in containers(pods(rendered["train-gpu"])["train"])}
    assert image.endswith("-cuda")


@pytest.mark.skipif(not can_start_containers(), reason="needs Linux, root and the right to mount")
def test_batches_are_answered_again_after_backup_and_restore_by_pods_without_rights(
    rendered, tmp_path, invoice_pdf
):
    """All three as the manifests have them: command, user, volumes, secrets, and nothing else that can be written."""
    made = {name: pods(rendered[of])[name] for of, name in (
        ("production", "batches"), ("production", "backup"), ("restore", "restore")
    )}  # fmt: skip
    key_file = tmp_path / "keys.json"
    _, token = KeyStore(key_file).create("me", frozenset({"batches"}))
    group = made["batches"]["spec"]["securityContext"]["fsGroup"]
    volumes = {
        name: make_volume(tmp_path / name, group) for name in ("state", "backups", "models", "temporary")
    }
    volumes["keys"] = make_volume(tmp_path / "keys", group, {"keys.json": key_file.read_text()})
    secrets = {"INVOICEGEN_WEBHOOK_SECRET": "whsec_" + "A" * 32, "INVOICEGEN_RATE_LIMIT_STORAGE": "memory"}
    volumes["settings"] = make_volume(tmp_path / "settings", group, secrets)
    shutil.copytree(ROOT / "src" / "invoicegen" / "weights" / "compact", volumes["models"] / "first")
    environment = settings(rendered["production"], made["batches"])
    environment |= {"INVOICEGEN_HOST": "127.0.0.1", "INVOICEGEN_WORKERS": "1"}

    def run(name: str) -> None:
        process = start_container(made[name], volumes, {}, stage(name), stderr=subprocess.PIPE)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()

    def stage(name: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=tmp_path))

    @contextmanager
    def batches() -> Iterator[httpx.Client]:
        port = free_port()
        given = environment | {"INVOICEGEN_PORT": str(port)}
        log = tmp_path / "log.jsonl"
        with log.open("ab") as errors:
            process = start_container(made["batches"], volumes, given, stage("batches"), stderr=errors)
        service = Service(f"http://127.0.0.1:{port}", port, process, log)
        try:
            service.wait_ready()
            yield service.client(token)
        finally:
            process.terminate()
            process.wait(made["batches"]["spec"]["terminationGracePeriodSeconds"])
        assert service.events()[-1]["event"].startswith("Finished server process")

    with batches() as client:
        document = ("file", ("a.pdf", invoice_pdf.read_bytes()))
        batch = client.post("/v1/batches", files=[document]).json()["id"]
        finished(client, batch)
        results = client.get(f"/v1/batches/{batch}/results").json()
        assert "TOTAL_AMOUNT" in results["results"][0]["result"]["fields"]
        run("backup")
        assert client.delete(f"/v1/batches/{batch}").status_code == 204
    run("restore")
    with batches() as client:
        assert client.get(f"/v1/batches/{batch}/results").json() == results
    archives = list(volumes["backups"].iterdir())
    assert sorted(one.name.split("-")[0] for one in archives) == ["jobs", "model"]
    assert {one.stat().st_uid for one in archives} == {10001}
