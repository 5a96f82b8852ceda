"""What the image's build reads of this machine: apt's sources, and the networks that are taken."""

from ipaddress import IPv4Network

import pytest

from deploy.debian import NotHere, mirror_in
from deploy.docker_engine import free_network


@pytest.mark.parametrize(
    "sources",
    [
        "deb http://deb.example/debian bookworm main\n",
        "# ours\ndeb [signed-by=/a.gpg] http://deb.example/debian/ bookworm main\n",
        "Types: deb\nURIs: http://deb.example/debian\nSuites: bookworm\n",
    ],
)
def test_the_archive_of_debian_is_the_one_of_apt(sources: str) -> None:
    assert mirror_in(sources) == "http://deb.example/debian"


def test_a_machine_whose_apt_names_no_debian_is_told_so() -> None:
    with pytest.raises(NotHere, match="name no archive of Debian"):
        mirror_in("deb http://deb.example/other stable main\n")


ROUTES = """default via 192.0.2.1 dev eth0
172.16.0.0/23 dev docker0 proto kernel scope link src 172.16.0.1 linkdown
local 172.16.2.1 dev pwsh1 table local proto kernel scope host src 172.16.2.1
"""


def test_the_engine_takes_a_network_that_no_other_uses() -> None:
    assert free_network(ROUTES) == IPv4Network("172.16.3.0/24")


def test_where_every_network_is_taken_the_engine_is_not_started() -> None:
    with pytest.raises(NotHere, match=r"all networks of 172\.16\.0\.0/12 are taken"):
        free_network("172.0.0.0/8 via 192.0.2.1 dev vpn")
