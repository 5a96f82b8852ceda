"""A server in a real cluster for the tests: deploy/kubernetes in a namespace of its own."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from deploy.two_nodes.network import NODE1

ROOT = Path(__file__).parents[2]
SHARED = ROOT / "deploy" / "kubernetes" / "shared-data"
IMAGE = os.environ.get("PWSH_KERNELS_IMAGE", "pwsh-kernels:latest")
LIMIT = 240.0
"""Seconds that anything may take: an image is fetched, a claim is bound."""
PAUSE = 0.2
MEMORY = "700Mi"
"""What a session may use, so that a test can exceed it."""
NODE_WAIT = 20.0
"""Seconds that a session may be out of reach; Kubernetes itself needs 40 to notice."""
CAN_CUT = bool(os.environ.get("PWSH_KERNELS_NODE_LINK"))
"""Whether this is the cluster of deploy/two_nodes, and we are in its first node's network."""
CONTOSO = {"tenant": "contoso.example", "module": "exo"}
SESSION = "app.kubernetes.io/name=pwsh-kernels-session"
CALL = """
import json, os, sys, urllib.request
method, path, body = sys.argv[1:]
token = open(os.environ["PWSH_MANAGER_TOKEN_FILE"]).read().strip()
headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
data = body.encode() if method == "POST" else None
request = urllib.request.Request("http://127.0.0.1:5100" + path, data, headers, method=method)
try:
    print(urllib.request.urlopen(request, timeout=100).read().decode())
except urllib.error.HTTPError as refusal:
    print(refusal.read().decode())
"""
APPROVE = """
import sys, urllib.parse, urllib.request
form = {"code": sys.argv[1], "account": "admin@contoso.example", "action": "approve"}
page = "http://127.0.0.1:5100/sandbox/devicelogin"
print(urllib.request.urlopen(page, urllib.parse.urlencode(form).encode(), timeout=60).read())
"""
SERVERS = """
for process in /proc/[0-9]*
do grep -qa 'bin/pwsh-kernel[s].serve' $process/cmdline && echo ${process#/proc/}
done; true
"""
Found = TypeVar("Found")


def obstacle() -> str:
    """Return why nothing can be tested; "": it can."""
    if not os.environ.get("KUBECONFIG"):
        return "KUBECONFIG names no cluster"
    if shutil.which("kubectl") is None:
        return "kubectl is not on PATH"
    return ""


@dataclass
class Cluster:
    """A namespace of a cluster, with a server in it."""

    folder: Path
    namespace: str = field(default_factory=lambda: f"pwsh-kernels-test-{uuid4().hex[:6]}")

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Return what a command prints; a failure of it fails the test."""
        command = ["kubectl", "--namespace", self.namespace, *arguments]
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, check=False, timeout=LIMIT
        )
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout

    def start(self) -> None:
        """Apply everything, and wait until the server is ready."""
        (self.folder / "kustomization.yaml").write_text(json.dumps(self._kustomization()))
        self.kubectl("create", "namespace", self.namespace)
        self.kubectl(
            "create", "secret", "generic", "pwsh-kernels-token", f"--from-literal=token={uuid4()}"
        )
        self.kubectl("apply", "-k", str(self.folder))
        self.wait_for_server()

    def _kustomization(self) -> dict[str, Any]:
        given = {
            "PWSH_MANAGER_KUBERNETES_IMAGE": IMAGE,
            "PWSH_MANAGER_KUBERNETES_LIMITS": f"memory={MEMORY}",
            "PWSH_MANAGER_KUBERNETES_NODE_WAIT": f"{NODE_WAIT:.0f}",
            "PWSH_MANAGER_RUN_SIGNED_OUT": "true",
        }
        server = {"name": "server", "env": [{"name": k, "value": v} for k, v in given.items()]}
        patch = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "pwsh-kernels"},
            "spec": {"template": {"spec": {"containers": [server], **self._placement()}}},
        }
        name, _, tag = IMAGE.rpartition(":")
        return {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": self.namespace,
            "resources": [os.path.relpath(SHARED, self.folder.resolve())],
            "images": [{"name": "pwsh-kernels", "newName": name, "newTag": tag}],
            "patches": [{"patch": json.dumps(patch)}],
        }

    def _placement(self) -> dict[str, Any]:
        """Keep the server where the API server is, if the second node can be cut off."""
        return {"nodeSelector": {"kubernetes.io/hostname": NODE1.name}} if CAN_CUT else {}

    def wait_for_server(self) -> None:
        """Wait until the server that is wanted now is ready."""
        self.kubectl("rollout", "status", "deployment/pwsh-kernels", f"--timeout={LIMIT:.0f}s")

    def replace_server(self) -> None:
        """Replace the server's Pod, as an upgrade does."""
        self.kubectl("rollout", "restart", "deployment/pwsh-kernels")
        self.wait_for_server()

    def crash_server(self) -> None:
        """Kill the server's process alone, and wait until the next one answers."""
        [process, *_] = self.inside("sh", "-c", SERVERS).split()
        self.inside("sh", "-c", f"kill -9 {process}")
        self.until(lambda: process not in self.inside("sh", "-c", SERVERS).split())
        self.wait_for_server()
        self.until(lambda: "sessions" in self.get("/sessions"))

    def inside(self, *command: str) -> str:
        """Return what a command prints in the server's Pod."""
        return self.kubectl("exec", "deployment/pwsh-kernels", "--", *command)

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Return the server's answer to a POST."""
        return self._call("POST", path, body)

    def get(self, path: str) -> dict[str, Any]:
        """Return the server's answer to a GET; {} while nobody listens."""
        try:
            return self._call("GET", path, {})
        except (AssertionError, ValueError):
            return {}

    def _call(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(
            self.inside("python3", "-c", CALL, method, path, json.dumps(body))
        )
        return answer

    def sign_in(self) -> dict[str, Any]:
        """Sign in as a person does, and return the status afterwards."""
        answer = self.post("/login", **CONTOSO)
        if answer.get("auth_pending"):
            # On a busy machine the code may come later than a login waits for it.
            code = answer["device_code"] or self.until(self._code)
            self.inside("python3", "-c", APPROVE, code)
        return self.status()

    def _code(self) -> str:
        """Return the code that a person has to enter, "" before there is one."""
        status = self.post("/status", **CONTOSO)
        assert status["auth_pending"], status
        return str(status["device_code"] or "")

    def status(self) -> dict[str, Any]:
        """Return the status of contoso's session once nothing is pending."""
        return self.post("/status", **CONTOSO, wait_s=60)

    def run(self, command: str, **more: Any) -> dict[str, Any]:
        """Run a command in contoso's session."""
        return self.post(
            "/run", **CONTOSO, **{"command": command, "format": "text", "wait_s": 60, **more}
        )

    def result(self, command: str) -> str:
        """Return the text that a command gives."""
        answer = self.run(command)
        assert answer.get("success"), answer
        return str(answer["result"]).strip()

    def becomes_lost(self) -> str:
        """Wait until contoso's session is lost, and return the reason."""
        lost = self.until(
            lambda: (one := self.post("/status", **CONTOSO))["state"] == "lost" and one
        )
        return str(lost["reason"])

    def pods(self) -> dict[str, dict[str, Any]]:
        """Return the Pods of sessions by their tenants."""
        found = json.loads(self.kubectl("get", "pods", "-l", SESSION, "-o", "json"))["items"]
        return {one["metadata"]["annotations"]["pwsh-kernels/tenant"]: one for one in found}

    def pod(self, tenant: str = CONTOSO["tenant"]) -> str:
        """Return the name of a tenant's Pod."""
        return f"pod/{self.pods()[tenant]['metadata']['name']}"

    def disconnect(self, tenant: str = CONTOSO["tenant"], **more: Any) -> None:
        """End a tenant's session, and wait until its Pod is gone."""
        self.post("/disconnect", **{**CONTOSO, "tenant": tenant}, **more)
        self.until(lambda: tenant not in self.pods())

    def until(self, find: Callable[[], Found]) -> Found:
        """Return the first thing found; what does not come within LIMIT fails the test."""
        deadline = time.monotonic() + LIMIT
        while not (found := find()):
            assert time.monotonic() < deadline, self.kubectl("logs", "deployment/pwsh-kernels")
            time.sleep(PAUSE)
        return found

    def remove(self) -> None:
        """Remove the namespace, with everything in it."""
        self.kubectl("delete", "namespace", self.namespace, "--wait=false")
