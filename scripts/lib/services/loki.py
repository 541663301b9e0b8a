"""Loki with tenants. There is no Debian package: it comes from the PATH, from the cache, or is built there once with Go."""
import json
import os
import re
import shutil

from services.place import CACHE, template, write
from services.system import System, Unavailable, http_ok, own, program, run

VERSION = "3.7.8"
MODULE = "github.com/grafana/loki/v3"
# Without `use_scheduler_ring: false` readiness and queries wait about ten seconds after a start.
CONF = """auth_enabled: true
server: {{http_listen_address: 127.0.0.1, http_listen_port: {port}, grpc_listen_address: 127.0.0.1, grpc_listen_port: {grpc}, log_level: warn}}
analytics: {{reporting_enabled: false}}
common:
  instance_addr: 127.0.0.1
  path_prefix: {folder}
  storage: {{filesystem: {{chunks_directory: {folder}/chunks, rules_directory: {folder}/rules}}}}
  replication_factor: 1
  ring: {{instance_addr: 127.0.0.1, kvstore: {{store: inmemory}}}}
ingester: {{lifecycler: {{min_ready_duration: 0s, final_sleep: 0s}}}}
frontend: {{address: 127.0.0.1}}
limits_config: {{ingestion_rate_mb: 64, ingestion_burst_size_mb: 128, per_stream_rate_limit: 64MB, per_stream_rate_limit_burst: 128MB}}
schema_config: {{configs: [{{from: 2020-10-24, store: tsdb, object_store: filesystem, schema: v13, index: {{prefix: index_, period: 24h}}}}]}}
query_scheduler: {{use_scheduler_ring: false}}
"""


class Loki(System):
    """Loki."""

    name = "loki"
    ports = ("port", "grpc")

    def program(self):
        return program("loki", also=[CACHE / f"loki-{VERSION}"])

    def missing(self):
        return None if self.program() else "the program loki"

    def install(self, say):
        if not shutil.which("go"):
            raise Unavailable(f"put `loki` on the PATH, or install Go (which builds {VERSION} into the cache) or Docker")
        say(f"building Loki {VERSION} with Go into the cache, once: takes up to ten minutes")
        template(f"loki-{VERSION}", self.build, lambda: say("another process is building it: waiting"))

    @staticmethod
    def build(folder):
        """Builds Loki from its module. `go install` refuses it for its replace directives: so a module of ours repeats them."""
        environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod -buildvcs=false", "GOWORK": "off"}
        source = folder / "source"
        source.mkdir()
        fetched = json.loads(run(["go", "mod", "download", "-json", f"{MODULE}@v{VERSION}"], "go mod download",
                                 cwd=source, env=environment))
        shutil.copyfile(f"{fetched['Dir']}/go.sum", source / "go.sum")
        with open(f"{fetched['Dir']}/go.mod", encoding="utf-8") as file:
            lines = file.read().splitlines()
        ours = [line for line in lines if not re.match(r"(module|ignore)\b", line) and "pkg/push =>" not in line]
        (source / "go.mod").write_text("\n".join(["module assay/loki", *ours, f"require {MODULE} v{VERSION}", ""]))
        run(["nice", "-n", "10", "go", "build", "-tags", "netgo", "-trimpath", "-ldflags", "-s -w", "-o", folder / "loki",
             f"{MODULE}/cmd/loki"], "go build", cwd=source, env=environment)
        shutil.rmtree(source)

    def command(self, place, ports):
        folder = own(place.data / "loki", None)
        write(folder / "loki.yaml", CONF.format(**ports, folder=folder))
        return [self.program(), f"-config.file={folder}/loki.yaml"]

    def ready(self, ports):
        return http_ok(f"http://127.0.0.1:{ports['port']}/ready")

    def describe(self, place, ports):
        url = f"http://127.0.0.1:{ports['port']}"
        return {"url": url, "push": f"{url}/loki/api/v1/push", "tenantHeader": True, "host": "127.0.0.1", "port": ports["port"]}
