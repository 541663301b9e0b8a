"""Test certificates: an authority, a server's for localhost and 127.0.0.1, a client's, and an authority that signed none of them."""
import os
import shutil

from services.place import ROOT, locked, template
from services.system import run

FILES = {
    "ca": "ca.pem",
    "serverCert": "server.pem",
    "serverKey": "server.key",
    "clientCert": "client.pem",
    "clientKey": "client.key",
    "otherCa": "other-ca.pem",
}


def source():
    """Where this machine's certificates lie in the cache."""
    script = ROOT / "localstack" / "certificates.sh"
    return template("tls-2", lambda folder: run(["sh", script, folder], "making certificates with openssl"))


def bring(place):
    """Puts the certificates into the folder of a set, and says where each lies."""
    with locked(place.folder / "run" / "tls.lock"):
        if not place.tls.is_dir():
            new = place.folder / "tls.new"
            shutil.rmtree(new, ignore_errors=True)
            shutil.copytree(source(), new)
            new.rename(place.tls)
    return {key: str(place.tls / name) for key, name in FILES.items()}


def owned(place, folder, user):
    """Copies what a server needs, readable by its user alone; gives (certificate, key, authority)."""
    for name in ("server.pem", "server.key", "ca.pem"):
        shutil.copyfile(place.tls / name, folder / name)
        (folder / name).chmod(0o600)
        if user and os.geteuid() == 0:
            shutil.chown(folder / name, user, user)
    return folder / "server.pem", folder / "server.key", folder / "ca.pem"
