# The gateway in a container, as a user without rights.
#
#   docker build -t fhir-gateway .
#   docker run --rm -v gateway-data:/data -p 127.0.0.1:8080:8000 fhir-gateway
#
# Inside a container the gateway must listen on every address of that container, which it refuses unless told
# `--insecure`, since it does not know yet who is asking. Publish the port on the loopback of the host only, as above,
# and put nothing but a trusted proxy in front of it.
FROM python:3.11-slim

ENV FHIR_GATEWAY_DATA_FOLDER=/data PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --system --create-home --home-dir /data --shell /usr/sbin/nologin gateway
WORKDIR /app

COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY fhir_gateway ./fhir_gateway
COPY profiles ./profiles
COPY mappings ./mappings
COPY terminology ./terminology
RUN pip install --no-deps --no-build-isolation .

USER gateway
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["fhir-gateway"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080", "--insecure"]
