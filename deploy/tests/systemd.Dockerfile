# A machine with systemd, on which docs/containers.md was followed: for the tests of the unit. The
# build's folder is deploy/systemd.
ARG IMAGE=pwsh-kernels:latest
# hadolint ignore=DL3006
FROM ${IMAGE}
# hadolint ignore=DL3002
USER 0:0
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends procps systemd systemd-sysv \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /var/lib/pwsh-kernels pwsh-kernels
COPY pwsh-kernels.service /etc/systemd/system/
ENV container=docker
# As systemd wants it, also where Docker gives a machine of cgroup v1 or a read-only tree.
ENTRYPOINT ["/bin/sh", "-c"]
CMD ["umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && exec /sbin/init"]
STOPSIGNAL SIGRTMIN+3
HEALTHCHECK NONE
