# Debian's nginx with deploy/proxy/nginx.conf as it is: for the tests of the proxy. The build's folder
# is deploy/proxy.
ARG IMAGE=pwsh-kernels:latest
# hadolint ignore=DL3006
FROM ${IMAGE}
# hadolint ignore=DL3002
USER 0:0
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends nginx-light \
    && rm -rf /var/lib/apt/lists/* /etc/nginx/sites-enabled/default
COPY nginx.conf /etc/nginx/conf.d/pwsh-kernels.conf
STOPSIGNAL SIGQUIT
HEALTHCHECK NONE
ENTRYPOINT ["nginx", "-g", "daemon off;"]
CMD []
