# One design in an image: docker build --build-arg DESIGN=epoll,leased,mimalloc,lean --tag orthant .
#
# The backend is epoll because Docker's own seccomp profile denies io_uring. For uring, glommio, monoio or tokio-uring run it
# with a profile that allows io_uring_setup, io_uring_enter and io_uring_register, by --security-opt seccomp=FILE, and
# with --ulimit memlock=8388608.

FROM rust:1.95.0-bookworm AS build
ARG DESIGN=epoll,split,system,balanced
WORKDIR /orthant
COPY . .
RUN cargo build --locked --package orthant --profile design --no-default-features --features "command,$DESIGN"

FROM debian:bookworm-slim
COPY --from=build /orthant/target/design/orthant /usr/local/bin/orthant
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/orthant"]
CMD ["--listen", "0.0.0.0:8080"]
