"""An emulator of AWS, MiniStack: SQS, S3, KMS, DynamoDB, Lambda, CloudFormation. It comes by pip, into the cache.

Each access key of twelve digits is an account of its own: what one makes no other sees. `test` stands for 000000000000.
"""
import shutil
import sys

from services.place import CACHE, template
from services.system import System, Unavailable, http_ok, own, run

VERSION = "1.5.33"
REGION = "us-east-1"
FOLDER = f"ministack-{VERSION}-{sys.version_info.major}.{sys.version_info.minor}"
# Variables of whoever starts it that would mean something else to it.
FOREIGN = ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN", "PYTHONPATH", "PYTHONHOME")


class Aws(System):
    """The emulator."""

    name = "aws"

    def program(self):
        return CACHE / FOLDER / "bin" / "python"

    def missing(self):
        return None if self.program().exists() else f"the Python package ministack {VERSION}"

    def install(self, say):
        if sys.version_info < (3, 10):
            raise Unavailable("install Python 3.10 or newer, or Docker")
        say(f"installing ministack {VERSION} with pip into the cache, once: takes a minute")
        template(FOLDER, self.build, lambda: say("another process is installing it: waiting"))

    @staticmethod
    def build(folder):
        """An environment of its own. The folder is renamed later: only `bin/python -m` is used, which does not mind."""
        run([sys.executable, "-m", "venv", folder], "python3 -m venv (Debian: the package python3-venv)")
        run([folder / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:",
             f"ministack[full]=={VERSION}"], "pip install")

    def command(self, place, ports):
        folder = own(place.data / "aws", None)
        # Functions are unpacked here; nothing that runs now uses what an earlier process left.
        shutil.rmtree(folder / "tmp", ignore_errors=True)
        own(folder / "tmp", None)
        settings = {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": ports["port"],
            "TMPDIR": folder / "tmp",
            "PERSIST_STATE": 1,
            "STATE_DIR": folder / "state",
            "S3_PERSIST": 1,
            "S3_DATA_DIR": folder / "s3",
            # These two would listen on every interface.
            "IOT_MTLS_ENABLED": 0,
            "SFTP_ENABLED": 0,
            "MINISTACK_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "LOG_LEVEL": "WARNING",
        }
        without = [word for name in FOREIGN for word in ("-u", name)]
        return ["env", *without, *[f"{name}={value}" for name, value in settings.items()],
                self.program(), "-m", "ministack"]

    def ready(self, ports):
        return http_ok(f"http://127.0.0.1:{ports['port']}/_ministack/health")

    def describe(self, place, ports):
        return {
            "url": f"http://127.0.0.1:{ports['port']}",
            "region": REGION,
            "accessKeyId": "test",
            "secretAccessKey": "test",
            "host": "127.0.0.1",
            "port": ports["port"],
        }
