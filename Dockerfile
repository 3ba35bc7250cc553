# The steps of the README, on a machine with Python and make. It has not been built where it was written, since no registry
# could be reached; the linter passes, and each step is the README's.
#   docker build --tag normplace . && docker run --rm --volume normplace:/home/user/normplace/results normplace
FROM python:3.12-slim-bookworm

SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 user \
    && install --directory --owner=user /home/user/normplace /home/user/normplace/data /home/user/normplace/results

USER 1000
WORKDIR /home/user/normplace
COPY --chown=user:user . .
RUN make .venv/installed

ENV PATH=/home/user/normplace/.venv/bin:$PATH
VOLUME ["/home/user/normplace/data", "/home/user/normplace/results"]
CMD ["make", "replicate"]
