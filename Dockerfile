# pingmesh in an image of nothing but its programs and the libraries that they need: no shell, no
# package manager, nothing to write to but the volume.
#
#   docker run -d -p 8080:8080 pingmesh -s 8080 -L Paris,FR
#   docker run -d --read-only --cap-drop ALL --security-opt no-new-privileges -p 80:80 -p 443:80 \
#     -e REP_LOCATION=Paris,FR pingmesh -c -s 80 -r 443       # as the old image was started
#
# It runs as user 65532. Ports below 1024 are open to it in Docker (since 20.10) and Podman; where
# they are not, --sysctl net.ipv4.ip_unprivileged_port_start=0 opens them.

# --- the dashboard: web/dist, if it was built before, else built here ---------------------------
FROM debian:12-slim AS web
WORKDIR /web
COPY web ./
RUN if [ ! -d dist ] && [ -f package.json ]; then \
      apt-get update -qq && apt-get install -y -qq --no-install-recommends npm ca-certificates && \
      npm ci --no-audit --no-fund && npm run build; \
    fi && mkdir -p dist

# --- the programs ---------------------------------------------------------------------------------
FROM debian:12-slim AS build
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends \
      gcc libc6-dev cmake ninja-build pkg-config libuv1-dev libcurl4-openssl-dev libc-ares-dev \
      libcjson-dev libssl-dev libxxhash-dev zlib1g-dev libsqlite3-dev node-llhttp ca-certificates \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY src src
COPY tools tools
COPY bench bench
COPY --from=web /web/dist web/dist
RUN cmake --preset release && cmake --build build/release --target pingmesh avgping
# The image's whole content: both programs, what the dynamic linker loads for them, certificate
# authorities, a name for the user, and its directories.
RUN set -e; \
    install -D -s -t /image/usr/bin build/release/pingmesh build/release/avgping; \
    ldd build/release/pingmesh build/release/avgping | grep -o '/[^ )]*\.so[^ )]*' | sort -u \
      | xargs cp --parents --dereference -t /image; \
    install -D -m 644 -t /image/etc/ssl/certs /etc/ssl/certs/ca-certificates.crt; \
    echo 'pingmesh:x:65532:65532:pingmesh:/var/lib/pingmesh:/sbin/nologin' >/image/etc/passwd; \
    echo 'pingmesh:x:65532:' >/image/etc/group; \
    echo 'hosts: files dns' >/image/etc/nsswitch.conf; \
    install -d -m 1777 /image/tmp; \
    install -d -m 700 -o 65532 -g 65532 /image/var/lib/pingmesh

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="pingmesh" \
      org.opencontainers.image.description="Measures HTTP latency to the nodes of a self-growing mesh" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.vendor="the pingmesh authors" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /image /
ENV PINGMESH_STATE_DIR=/var/lib/pingmesh
USER 65532:65532
VOLUME /var/lib/pingmesh
EXPOSE 8080
# It finds the port in the arguments of process 1, whatever these are.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["/usr/bin/pingmesh", "--healthcheck"]
ENTRYPOINT ["/usr/bin/pingmesh"]
CMD ["-s", "8080"]
