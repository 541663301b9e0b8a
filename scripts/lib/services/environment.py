"""The set as an environment of Assay: `assay run --env DIR/environment.yaml`."""
import json
import os

FILES = ("environment.yaml", "postgres-password", "redis-password")


def lay_out(folder, described):
    """Writes the environment file, with the resources of the systems that are there, and its secrets beside it."""
    resources, secrets = {}, {}

    def secret(name, system):
        file = f"{system}-password"
        with open(os.open(folder / file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(described[system]["password"] + "\n")
        secrets[name] = {"file": file}
        return "${secrets." + name + "}"

    if "postgres" in described:
        it = described["postgres"]
        url = f"postgres://{it['user']}@{it['host']}:{it['port']}/{it['database']}"
        resources["ledger"] = {"type": "sql", "url": url, "password": secret("POSTGRES_PASSWORD", "postgres")}
    if "kafka" in described:
        resources["announcements"] = {"type": "kafka", "brokers": described["kafka"]["plain"]}
    if "redis" in described:
        it = described["redis"]
        url = f"redis://{it['host']}:{it['port']}"
        password = secret("REDIS_PASSWORD", "redis")
        resources["cache"] = {"type": "redis", "url": url, "username": it["user"], "password": password}
    if "loki" in described:
        resources["logs"] = {"type": "loki", "url": described["loki"]["url"], "tenant": "shop"}
    inputs = {}
    if "prometheus" in described:
        resources["metrics"] = {"type": "prometheus", "url": described["prometheus"]["url"]}
        inputs["baseUrl"] = described["prometheus"]["shops"][0]
    lines = ["# Written by scripts/services; the demo shop listens where baseUrl says."]
    for key, values in (("inputs", inputs), ("secrets", secrets), ("resources", resources)):
        if values:
            lines.append(f"{key}:")
            lines += [f"  {name}: {json.dumps(value)}" for name, value in values.items()]
    new = folder / "environment.yaml.new"
    new.write_text("\n".join(lines) + "\n", encoding="utf-8")
    new.rename(folder / "environment.yaml")
