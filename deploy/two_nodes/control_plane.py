"""etcd, API server, scheduler and controllers of a cluster for tests, on its first node."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy.two_nodes.certificates import Authority
from deploy.two_nodes.network import API_PORT, API_SERVICE, SERVICES, Host
from deploy.two_nodes.waiting import until
from tests.fixtures.api_server import etcd_command, process, unpacked

ETCD, PEERS = 12379, 12380


@contextmanager
def control_plane(folder: Path, node1: Host, node2: Host) -> Iterator[Authority]:
    """Run a cluster without nodes; `admin.conf` of its authority is the administrator's."""
    addresses = ("127.0.0.1", API_SERVICE, node1.address, node2.address)
    authority = Authority(folder / "certificates", addresses)
    authority.issue("apiserver", "/CN=kube-apiserver")
    authority.issue("admin", "/O=system:masters/CN=admin")
    config = authority.kubeconfig("admin", api(node1))
    with ExitStack() as running:
        log = running.enter_context((folder / "control.log").open("wb"))
        running.enter_context(process(etcd_command(folder, ETCD, PEERS), log))
        running.enter_context(process(api_command(authority, node1), log))
        until("the API server", lambda: ask(config, "get", "--raw", "/readyz"), folder)
        running.enter_context(process(scheduler_command(config), log))
        running.enter_context(process(controllers_command(authority, config), log))
        yield authority


def api(node1: Host) -> str:
    """Return the API server's address."""
    return f"https://{node1.address}:{API_PORT}"


def api_command(authority: Authority, node1: Host) -> list[str]:
    """Return how the API server is started."""
    (certificate, key), (client, client_key) = authority.pair("apiserver"), authority.pair("admin")
    accounts = str(authority.accounts_key)
    return [
        *(str(unpacked()), "kube-apiserver", "--etcd-servers", f"http://127.0.0.1:{ETCD}"),
        *("--bind-address", node1.address, "--advertise-address", node1.address),
        *("--secure-port", str(API_PORT), "--insecure-port", "0"),
        *("--client-ca-file", str(authority.certificate)),
        *("--tls-cert-file", str(certificate), "--tls-private-key-file", str(key)),
        *("--service-account-key-file", accounts, "--service-account-signing-key-file", accounts),
        *("--service-account-issuer", "https://kubernetes.default.svc"),
        *("--authorization-mode", "Node,RBAC", "--service-cluster-ip-range", SERVICES),
        *("--kubelet-client-certificate", str(client), "--kubelet-client-key", str(client_key)),
        *("--kubelet-preferred-address-types", "InternalIP"),
    ]


def scheduler_command(config: Path) -> list[str]:
    """Return how the scheduler is started."""
    return [
        *(str(unpacked()), "kube-scheduler", "--kubeconfig", str(config), "--leader-elect=false"),
        *("--secure-port", "16259", "--port", "0"),
    ]


def controllers_command(authority: Authority, config: Path) -> list[str]:
    """Return how the controllers are started: with Kubernetes' own times for a lost node."""
    return [
        *(str(unpacked()), "kube-controller-manager", "--kubeconfig", str(config)),
        *("--leader-elect=false", "--secure-port", "16257", "--port", "0"),
        *("--service-account-private-key-file", str(authority.accounts_key)),
        *("--root-ca-file", str(authority.certificate)),
    ]


def ask(config: Path, *arguments: str, stdin: str | None = None) -> str:
    """Return what kubectl prints, "" if it fails."""
    done = subprocess.run(
        ["kubectl", "--kubeconfig", str(config), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return "" if done.returncode else done.stdout or "done"
