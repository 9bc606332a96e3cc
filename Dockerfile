# respair as one static binary and nothing else.
#
#   docker build -t respair .
#   docker run --rm --network host -v ~/.config/respair:/config:ro respair serve
#
# `--network host`: the gateway listens on loopback only (whoever reaches it uses its key), and a container's own loopback
# cannot be reached from outside. Clients in the same pod or network namespace need no more than that either.
FROM rust:1.95-alpine AS build
RUN apk add --no-cache build-base cmake perl
WORKDIR /src
COPY . .
# Alpine's own target is musl, linked statically.
RUN cargo build --locked --release -p respair && \
    cp target/release/respair /respair

FROM scratch
# What TLS trusts; `ssl_ca_cert` names others.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /respair /respair
ENV RESPAIR_CONFIG=/config/config.yaml
USER 65532:65532
ENTRYPOINT ["/respair"]
CMD ["serve"]
# SIGTERM: streams finish within `serve.drain`, which `docker stop --time` has to exceed.
STOPSIGNAL SIGTERM
