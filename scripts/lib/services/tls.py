"""Test certificates: an authority, a server's for localhost and 127.0.0.1, a client's, and an authority that signed none of them."""
import os
import shutil
import subprocess

from services.place import locked, template

FILES = {
    "ca": "ca.pem",
    "serverCert": "server.pem",
    "serverKey": "server.key",
    "clientCert": "client.pem",
    "clientKey": "client.key",
    "otherCa": "other-ca.pem",
}
SERVER = "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n"
CLIENT = "extendedKeyUsage=clientAuth\n"
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL)


def authority(folder, name, subject):
    openssl(folder, "req", "-x509", *KEY, "-days", "3650", "-subj", f"/CN={subject}", "-keyout", f"{name}.key",
            "-out", f"{name}.pem", "-addext", "keyUsage=critical,keyCertSign,cRLSign")


def signed(folder, name, subject, extensions):
    openssl(folder, "req", *KEY, "-subj", f"/CN={subject}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    (folder / f"{name}.ext").write_text(f"basicConstraints=CA:FALSE\n{extensions}")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "3650", "-extfile", f"{name}.ext", "-out", f"{name}.pem")


def build(folder):
    authority(folder, "ca", "Assay test authority")
    authority(folder, "other-ca", "Assay other authority")
    signed(folder, "server", "localhost", SERVER)
    signed(folder, "client", "client", CLIENT)
    # Kafka wants key and certificate in one file.
    both = (folder / "server.key").read_text() + (folder / "server.pem").read_text()
    (folder / "server-both.pem").write_text(both)


def source():
    """Where this machine's certificates lie in the cache."""
    return template("tls-1", build)


def bring(place):
    """Puts the certificates into the folder of a set, and says where each lies."""
    with locked(place.folder / "run" / "tls.lock"):
        if not place.tls.is_dir():
            new = place.folder / "tls.new"
            shutil.rmtree(new, ignore_errors=True)
            shutil.copytree(source(), new, ignore=shutil.ignore_patterns("*.csr", "*.ext", "*.srl", "ca.key", "other-ca.key"))
            for file in new.iterdir():
                # A container's user must read the server's key; clients refuse a key that others may read.
                file.chmod(0o600 if file.name == "client.key" else 0o644)
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
