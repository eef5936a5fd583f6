# The image of pod-checkpointer: one bundle, the pinned Node.js, a shell and flock for the entry script, and the libraries
# that these need. No npm, no package manager; works with a read-only root. For linux/amd64 and linux/arm64.
#
#   docker build .                        anywhere with a network
#   node deploy/image/build.ts            the same on Debian where no base image can be pulled
#   docker buildx build --platform …      the first stage runs on the target's architecture (natively or emulated)
#
# Reproducible: the same sources, packages and base give the same layer, bit for bit. deploy/image/rootfs.ts gives every file and directory the
# time zero, and COPY keeps times. What it does not promise: the image's id (its configuration holds the time of the build),
# and the same layer after Debian has published a newer libc.
ARG BUILD_BASE=docker.io/library/node:24-bookworm-slim

FROM ${BUILD_BASE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc deploy/image/debian.sh ./
# A base made by deploy/image/build.ts brings both directories along. npm runs no script of any package (.npmrc).
RUN [ -d node_modules ] || npm ci
RUN [ -d debian ] || ./debian.sh debian
COPY . .
# From here on it is the pinned Node.js, whichever the base has.
RUN node_modules/.bin/node deploy/bundle.ts && node_modules/.bin/node deploy/image/rootfs.ts /rootfs debian
# An image that does not start is not built.
RUN chroot /rootfs /usr/bin/pod-checkpointer version

FROM scratch
COPY --from=build /rootfs/ /
# Equal to package.json's, which a test compares.
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="pod-checkpointer" \
      org.opencontainers.image.description="Annotated Kubernetes pods come back on a node after a reboot even when no API server answers." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
ENV PATH=/usr/bin:/bin
# Root, without capabilities but CHOWN and DAC_READ_SEARCH: it reads what the kubelet wrote for other users.
USER 0:0
ENTRYPOINT ["/usr/bin/pod-checkpointer"]
