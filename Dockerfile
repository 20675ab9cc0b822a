# syntax=docker/dockerfile:1
# t3 serve in a container, built from this clone.
#
#   docker build --target cpu -t t3video:cpu .
#   docker build --target cuda -t t3video:cuda .
#
# docs/guides/deploy.md says how to run them.

FROM debian:12-slim AS source
RUN apt-get update && apt-get install -y --no-install-recommends make dpkg-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .

FROM source AS build-cpu
RUN make package T3_CUDA=0

# Needs no GPU. Downloads CUDA's compiler and libraries (3 GB).
FROM source AS build-cuda
RUN make package T3_CUDA=1

# The user's id is stable, so that the data of one image belongs to the user of the next.
FROM debian:12-slim AS runtime
RUN useradd --uid 10001 --home-dir /var/lib/t3video --no-create-home --shell /usr/sbin/nologin t3video \
 && install -d -m 0700 -o t3video -g t3video /var/lib/t3video
ENV XDG_CACHE_HOME=/var/lib/t3video/cache T3_MODEL_DIR=demo
VOLUME /var/lib/t3video
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && head -1 <&3 | grep -q ' 200 '"]
STOPSIGNAL SIGTERM

FROM runtime AS cpu
RUN --mount=type=bind,from=build-cpu,source=/source/build/package,target=/package \
    apt-get update && apt-get install -y --no-install-recommends /package/t3video_*.deb \
 && rm -rf /var/lib/apt/lists/*
USER t3video
ENTRYPOINT ["t3"]
CMD ["serve", "--data", "/var/lib/t3video", "--host", "0.0.0.0"]

# The driver comes from the host (NVIDIA Container Toolkit), everything else of CUDA is in the package.
FROM runtime AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
RUN --mount=type=bind,from=build-cuda,source=/source/build/package,target=/package \
    apt-get update && apt-get install -y --no-install-recommends /package/t3video-cuda_*.deb \
 && rm -rf /var/lib/apt/lists/*
USER t3video
ENTRYPOINT ["t3"]
CMD ["serve", "--data", "/var/lib/t3video", "--host", "0.0.0.0"]
