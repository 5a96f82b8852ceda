"""The volumes of a cluster for tests: folders that both nodes see, because both are here."""

import json
import os
from pathlib import Path
from typing import Any

USER = 10001
"""Who the image runs as; a `hostPath` is not handed over by Kubernetes."""
COUNT = 40
"""Claims that the tests may make: a volume is used once."""


def volumes(folder: Path) -> str:
    """Make the folders, and return the objects to apply."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": _volumes(folder)})


def _volumes(folder: Path) -> list[dict[str, Any]]:
    folder.mkdir()
    found = []
    for number in range(COUNT):
        one = folder / f"{number}"
        one.mkdir(mode=0o700)
        os.chown(one, USER, USER)
        spec = {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": str(one), "type": "Directory"},
        }
        metadata = {"name": f"volume-{number}"}
        found.append(
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}
        )
    return found
