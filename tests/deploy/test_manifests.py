"""What stands under deploy/ is read as those it is for would read it, without a cluster."""

from pathlib import Path
from typing import Any

import dagster as dg
import kubernetes_validate
import pytest
import yaml
from dagster_k8s import K8sRunLauncher
from pathspec import PathSpec

from dagster_mmm.environment import ROOT
from dagster_mmm.schedule.partitions import PARTITION_TAG

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
INSTANCES = sorted(file.parent.name for file in DEPLOY.glob("*/dagster.yaml"))


def instance_of(name: str) -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / name / "dagster.yaml").read_text())


def patterns(name: str) -> PathSpec:
    # The last pattern that matches decides, in both of these files.
    return PathSpec.from_lines("gitwildmatch", (ROOT / name).read_text().splitlines())


def manifests() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((KUBERNETES / "manifests.yaml").read_text()))


@pytest.mark.parametrize("name", INSTANCES)
def test_dagster_reads_each_instance(name: str, tmp_path: Path) -> None:
    # Storage and launcher would call on servers: they have tests of their own.
    without_servers = {
        key: value
        for key, value in instance_of(name).items()
        if key not in ("storage", "run_launcher")
    }
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(without_servers))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.run_monitoring_enabled
        assert not instance.telemetry_enabled
        limits = instance.get_concurrency_config()
    pools, queue = limits.pool_config, limits.run_queue_config
    assert queue is not None and pools.default_pool_limit is not None
    assert pools.pool_granularity is not None and pools.pool_granularity.value == "run"
    # The pools bind: no more fit or write at once than run, and of no model two.
    assert 1 <= pools.default_pool_limit <= queue.max_concurrent_runs
    (of_model,) = queue.tag_concurrency_limits
    assert (of_model["key"], of_model["limit"]) == (PARTITION_TAG, 1)
    assert of_model["value"] == {"applyLimitPerUniqueValue": True}


def test_instances_that_keep_runs_in_postgres_say_so_alike() -> None:
    storages = {name: instance_of(name).get("storage") for name in INSTANCES if name != "local"}
    (one,) = {yaml.safe_dump(storage) for storage in storages.values()}
    assert yaml.safe_load(one) == {"postgres": {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}}


@pytest.mark.parametrize("name", ["celery", "kubernetes", "ray"])
def test_a_run_may_wait_for_a_free_machine(name: str) -> None:
    # Dagster's default fails a run that has not started after three minutes.
    monitoring = instance_of(name)["run_monitoring"]
    assert monitoring["start_timeout_seconds"] >= 1800
    assert monitoring["max_runtime_seconds"] > monitoring["start_timeout_seconds"]


@pytest.mark.parametrize(
    "path", ["secrets.env", "deploy/container/secrets.env", ".env", "dagster_mmm/prod.env"]
)
def test_secrets_enter_neither_git_nor_the_image(path: str) -> None:
    assert patterns(".gitignore").match_file(path)
    assert patterns(".dockerignore").match_file(path)


@pytest.mark.parametrize("path", ["data/warehouse.duckdb", "settings.yaml", "deploy/local/x.db"])
def test_data_and_settings_stay_out_of_the_image(path: str) -> None:
    assert patterns(".dockerignore").match_file(path)


@pytest.mark.parametrize(
    "path",
    [
        "pyproject.toml",
        "requirements.lock",
        "workspace.yaml",
        "dagster_mmm/definitions.py",
        "hill_mmm/__init__.py",
        "sql/models/staging/mmm_stg_input.sql",
        "deploy/celery/dagster_celery_config.py",
    ],
)
def test_the_image_has_what_it_runs(path: str) -> None:
    assert (ROOT / path).is_file()
    assert not patterns(".dockerignore").match_file(path)


def test_the_kubernetes_launcher_takes_its_settings() -> None:
    @dg.op(config_schema=K8sRunLauncher.config_type())
    def launcher() -> None: ...

    @dg.job
    def launch() -> None:
        launcher()

    config = instance_of("kubernetes")["run_launcher"]["config"]
    dg.validate_run_config(launch, {"ops": {"launcher": {"config": config}}})
    with pytest.raises(dg.DagsterInvalidConfigError, match="job_imago"):
        wrong = config | {"job_imago": config["job_image"]}
        dg.validate_run_config(launch, {"ops": {"launcher": {"config": wrong}}})


@pytest.mark.parametrize(
    "manifest", manifests(), ids=lambda m: f"{m['kind']} {m['metadata']['name']}"
)
def test_kubernetes_manifests_follow_its_schemas(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_what_the_runs_pods_mount_is_among_the_manifests() -> None:
    made = {(m["kind"], m["metadata"]["name"]) for m in manifests()}
    config = instance_of("kubernetes")["run_launcher"]["config"]
    assert {m["metadata"].get("namespace", "mmm") for m in manifests()} == {config["job_namespace"]}
    assert ("ServiceAccount", config["service_account_name"]) in made
    assert {("ConfigMap", name) for name in config["env_config_maps"]} <= made
    files, settings = config["volumes"]
    assert ("PersistentVolumeClaim", files["persistent_volume_claim"]["claim_name"]) in made
    by_hand = (KUBERNETES / "manifests.yaml").read_text()
    maps = (config["instance_config_map"], settings["config_map"]["name"])
    for name in (*maps, *config["env_secrets"]):
        assert f" {name} " in by_hand


def test_every_pod_finds_the_files_that_its_environment_names() -> None:
    (environment,) = (m for m in manifests() if m["metadata"]["name"] == "mmm-environment")
    deployments = [m for m in manifests() if m["kind"] == "Deployment"]
    containers = [c for d in deployments for c in d["spec"]["template"]["spec"]["containers"]]
    mounts = [[mount["mountPath"] for mount in c["volumeMounts"]] for c in containers]
    config = instance_of("kubernetes")["run_launcher"]["config"]
    mounts.append([mount["mount_path"] for mount in config["volume_mounts"]])
    assert len(mounts) == 3
    for path in environment["data"].values():
        assert all(str(Path(path).parent) in mounted for mounted in mounts), path


def test_services_of_the_compose_file_run_what_the_image_has() -> None:
    services = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text())["services"]
    ours = {name: s for name, s in services.items() if s["image"] == "hill-mixture-mmm"}
    assert set(ours) == {"webserver", "daemon", "worker"}
    for service in ours.values():
        assert (DEPLOY / "container" / service["build"]["dockerfile"]).name == "Containerfile"
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            # The settings are the user's own.
            if source.startswith("../"):
                assert (DEPLOY / "container" / source).is_file()
