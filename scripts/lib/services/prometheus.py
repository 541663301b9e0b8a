"""Prometheus, which takes remote writes, also of samples up to a day old."""
import json
import os
import shutil

from services.place import CACHE, template, write
from services.system import System, Unavailable, http_ok, own, program, run

CONF = """global: {{scrape_interval: 1s, evaluation_interval: 1s}}
storage: {{tsdb: {{out_of_order_time_window: 1d}}}}
scrape_configs:
  - job_name: prometheus
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: shop
    static_configs: [{{targets: {shops}}}]
"""
FOLDER = "prometheus-debian"
# A shop for each lie that it can tell, and one that tells none.
SHOPS = 12


class Prometheus(System):
    """Prometheus."""

    name = "prometheus"

    def program(self):
        return program("prometheus", also=[CACHE / FOLDER / "usr" / "bin"])

    def missing(self):
        return None if self.program() else "the program prometheus"

    def install(self, say):
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            raise Unavailable("put `prometheus` (2.39 or newer) on the PATH, or install Docker")
        say("unpacking Debian's package prometheus into the cache")
        template(FOLDER, self.unpack)

    @staticmethod
    def unpack(folder):
        """Unpacks the package: it is not installed, so nothing starts."""
        download = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", "prometheus"]
        try:
            run(download, "apt-get download", cwd=folder)
        except Unavailable:
            if os.geteuid() == 0:
                run(["apt-get", "update", "-qq"], "apt-get update")
            run(download, "apt-get download", cwd=folder)
        (package,) = folder.glob("*.deb")
        run(["dpkg-deb", "-x", package, folder], "dpkg-deb")
        package.unlink()

    def command(self, place, ports):
        folder = own(place.data / "prometheus", None)
        write(folder / "prometheus.yml", CONF.format(**ports, shops=json.dumps([f"127.0.0.1:{port}" for port in self.shops(place)])))
        return [self.program(), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{ports['port']}", "--web.enable-remote-write-receiver",
                "--web.enable-lifecycle", "--web.enable-admin-api"]

    @staticmethod
    def shops(place):
        """Where demo shops of this set may listen, so that they are scraped as soon as they are there."""
        names = [f"shop{number}" for number in range(SHOPS)]
        ports = place.ports("shops")
        return list((ports if set(ports) == set(names) else place.choose_ports("shops", names)).values())

    def ready(self, ports):
        return http_ok(f"http://127.0.0.1:{ports['port']}/-/ready")

    def describe(self, place, ports):
        url = f"http://127.0.0.1:{ports['port']}"
        return {"url": url, "remoteWrite": f"{url}/api/v1/write", "host": "127.0.0.1", "port": ports["port"],
                "shops": [f"http://127.0.0.1:{port}" for port in self.shops(place)]}
