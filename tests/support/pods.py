"""Containers of pods without a cluster: this machine's file system, read-only, stands for the image.

What the kubelet does and matters to programs is done here: volumes belong to root and the group ``fsGroup``, secrets
are links into a folder that is swapped as a whole, the user has no capabilities and cannot gain any.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def can_start_containers() -> bool:
    """Whether this user may put file systems together."""
    unshare = shutil.which("unshare")
    return (
        unshare is not None
        and not subprocess.run([unshare, "--mount", "true"], capture_output=True).returncode
    )


def make_volume(folder: Path, group: int, files: Mapping[str, str] | None = None) -> Path:
    """A volume as the kubelet hands it out: empty, or a secret with files."""
    folder.mkdir(parents=True)
    if files is not None:
        content = folder / "..2026_11_26"
        content.mkdir()
        (folder / "..data").symlink_to(content.name)
        for name, text in files.items():
            (content / name).write_text(text, encoding="utf-8")
            (content / name).chmod(0o440)
            os.chown(content / name, 0, group)
            (folder / name).symlink_to(f"..data/{name}")
    os.chown(folder, 0, group)
    folder.chmod(0o2775)
    return folder


def start_container(
    pod: Mapping[str, Any],
    volumes: Mapping[str, Path],
    environment: Mapping[str, str],
    stage: Path,
    **options: Any,
) -> subprocess.Popen[bytes]:
    """Start the only container of a pod.

    Args:
        pod: Its template.
        volumes: Folders by the names of the pod's volumes.
        environment: Variables of the container.
        stage: An empty folder to put the container's file system together in.
        options: Of :class:`subprocess.Popen`.
    """
    (container,) = pod["spec"]["containers"]
    context = pod["spec"]["securityContext"]
    rights = container["securityContext"]
    assert rights["readOnlyRootFilesystem"]
    assert not rights["allowPrivilegeEscalation"]
    assert rights["capabilities"] == {"drop": ["ALL"]}
    root = stage / "root"
    steps = [
        "set -e",
        "mount --make-rprivate /",
        f"mount -t tmpfs tmpfs {stage}",
        f"mkdir {root} {stage}/upper {stage}/work",
        f"mount -t overlay overlay -o lowerdir=/,upperdir={stage}/upper,workdir={stage}/work {root}",
    ]
    programs = {Path(sys.base_prefix), Path(sys.prefix).resolve(), ROOT}
    for above in sorted({parent for program in programs for parent in program.parents}):
        steps.append(f"chmod o+x {root}{above}")  # an image has its programs where all may reach them
    steps += [f"mount --rbind /{each} {root}/{each}" for each in ("proc", "sys", "dev")]
    for mount in sorted(container["volumeMounts"], key=lambda mount: str(mount["mountPath"])):
        place = f"{root}{mount['mountPath']}"
        steps += [f"mkdir -p {place}", f"mount --bind {volumes[mount['name']]} {place}"]
        if mount.get("readOnly"):
            steps.append(f"mount -o remount,ro,bind {place}")
    mounted = [Path(str(mount["mountPath"])) for mount in container["volumeMounts"]]
    for program in sorted(programs):
        if any(program.is_relative_to(path) for path in mounted):  # a checkout in /tmp, which pods mount over
            steps += [f"mkdir -p {root}{program}", f"mount --rbind {program} {root}{program}"]
    steps += [
        f"mount -o remount,ro {root}",
        f"exec chroot {root} setpriv --reuid={context['runAsUser']} --regid={context['runAsGroup']} "
        f"--groups={context['fsGroup']} --no-new-privs --inh-caps=-all --bounding-set=-all "
        + shlex.join([*container["command"], *container.get("args", [])]),
    ]
    given = {
        "PATH": f"{Path(sys.prefix).resolve()}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin",
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/tmp",
        **environment,
    }
    return subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", "\n".join(steps)], env=given, cwd="/", **options
    )
