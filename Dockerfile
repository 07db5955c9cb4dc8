# Build where the libraries' headers are, run where only the libraries are.
FROM debian:12-slim AS build
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends \
      gcc libc6-dev cmake ninja-build pkg-config libuv1-dev libcurl4-openssl-dev libc-ares-dev \
      libcjson-dev libssl-dev libxxhash-dev zlib1g-dev libsqlite3-dev node-llhttp \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY src src
COPY tools tools
RUN cmake --preset release && cmake --build build/release --target pingmesh avgping

FROM debian:12-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends \
      ca-certificates libuv1 libcurl4 libc-ares2 libcjson1 libssl3 libxxhash0 zlib1g libsqlite3-0 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/build/release/pingmesh /src/build/release/avgping /usr/local/bin/
USER nobody
EXPOSE 8080
ENTRYPOINT ["pingmesh"]
CMD ["-s", "8080"]
