"""Kafka: one KRaft node with plain, SASL and TLS listeners. Its jars come by Maven, into the cache.

It starts in about three seconds thanks to an archive of loaded classes (AppCDS) and data that is formatted once; both are
kept in the cache, the archive for one Java and one list of jars.
"""
import functools
import hashlib
import shutil
import signal
import struct
import subprocess
import time

from services import tls
from services.place import CACHE, free_port, template, write
from services.system import System, Unavailable, apt_install, connect, own, run, sized

VERSION = "4.3.1"
LIBRARIES = f"kafka-{VERSION}"
CLUSTER = "MkU3OEVBNTcwNTJENDM2Qk"
POM = f"""<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>assay</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>2.24.3</version></dependency>
  </dependencies>
</project>
"""
LOGGING = """status = error
appender.c.type = Console
appender.c.name = C
appender.c.target = SYSTEM_ERR
appender.c.layout.type = PatternLayout
appender.c.layout.pattern = %p %m%n
rootLogger.level = WARN
rootLogger.appenderRef.c.ref = C
"""
# PLAIN knows alice and bob, SCRAM knows carol. The MUTUAL listener wants a client certificate.
SECURITY = {"PLAIN": "PLAINTEXT", "SASL": "SASL_PLAINTEXT", "TLS": "SSL", "SASLTLS": "SASL_SSL", "MUTUAL": "SSL"}
LISTENERS = {"plain": "PLAIN", "saslPlain": "SASL", "tls": "TLS", "saslTls": "SASLTLS", "mutualTls": "MUTUAL"}
USERS = {"alice": "alice-secret", "bob": "bob-secret", "carol": "carol-secret"}
SASL = """listener.name.{0}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.{0}.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="alice-secret" user_bob="bob-secret";
listener.name.{0}.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.{0}.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"""
# One replica of everything; small and quick; a killed broker is forgotten after 1.5 s, so that it may come back.
SETTINGS = """process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
ssl.keystore.type=PEM
ssl.truststore.type=PEM
ssl.client.auth=none
listener.name.mutual.ssl.client.auth=required
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
default.replication.factor=1
min.insync.replicas=1
num.partitions=3
auto.create.topics.enable=true
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
log.index.size.max.bytes=1048576
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=300
initial.broker.registration.timeout.ms=60000
"""
JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]


def settings(data, ports, certificates):
    """The text of server.properties."""
    here = {name: f"{name}://127.0.0.1:{ports[key]}" for key, name in LISTENERS.items()}
    protocols = ",".join(f"{name}:{protocol}" for name, protocol in SECURITY.items())
    return "\n".join([
        SETTINGS + SASL.format("sasl") + SASL.format("sasltls"),
        f"listeners={','.join(here.values())},CONTROLLER://127.0.0.1:{ports['controller']}",
        f"advertised.listeners={','.join(here.values())}",
        f"listener.security.protocol.map={protocols},CONTROLLER:PLAINTEXT",
        f"controller.quorum.voters=1@127.0.0.1:{ports['controller']}",
        f"log.dirs={data}",
        f"ssl.keystore.location={certificates}/server-both.pem",
        f"ssl.truststore.location={certificates}/ca.pem",
        "",
    ])


def brokers(port):
    """How many brokers a metadata request names: none while the broker is fenced."""
    with connect(port) as stream:
        # Metadata, version 4, correlation 1, client "ready": no topics, none made.
        request = struct.pack(">hhih5sib", 3, 4, 1, 5, b"ready", 0, 0)
        stream.sendall(struct.pack(">i", len(request)) + request)
        return struct.unpack_from(">i", sized(stream), 8)[0]


class Kafka(System):
    """Kafka."""

    name = "kafka"
    ports = (*LISTENERS, "controller")
    seconds = 120

    def missing(self):
        if not shutil.which("java"):
            return "Java 17 or newer"
        return None if (CACHE / LIBRARIES).is_dir() and self.archive().is_dir() else "Kafka's jars, and the archive of its classes"

    def install(self, say):
        wanted = [package for name, package in (("java", "default-jre-headless"), ("mvn", "maven")) if not shutil.which(name)]
        have = (CACHE / LIBRARIES).is_dir()
        if wanted and (not have or "default-jre-headless" in wanted):
            apt_install(wanted, say)
        if not have:
            say("fetching its jars with Maven into the cache")
        template(LIBRARIES, self.fetch, lambda: say("another process is fetching it: waiting"))
        if not self.archive().is_dir():
            say("making the archive of its classes, once")
        template(self.archive().name, self.train, lambda: say("another process is making it: waiting"))

    @staticmethod
    def fetch(folder):
        """Brings the jars."""
        (folder / "pom.xml").write_text(POM)
        run(["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=lib"],
            "fetching Kafka with Maven", cwd=folder)
        (folder / "quiet.properties").write_text(LOGGING)

    @staticmethod
    @functools.cache  # starting Java to ask for its version takes a while
    def archive():
        """Where the archive and the formatted data of this Java lie."""
        java = subprocess.run(["java", "-version"], capture_output=True, text=True, stdin=subprocess.DEVNULL).stderr
        key = hashlib.sha256((java + str(CACHE) + " ".join(JVM)).encode()).hexdigest()[:12]
        return CACHE / f"{LIBRARIES}-{key}"

    @staticmethod
    def java(main, *flags):
        """A command for one of Kafka's programs. The list of jars is part of what the archive is for: keep it as it is."""
        jars = ":".join(map(str, sorted((CACHE / LIBRARIES / "lib").glob("*.jar"))))
        logging = f"-Dlog4j2.configurationFile={CACHE / LIBRARIES / 'quiet.properties'}"
        return ["java", *JVM, *flags, logging, "-cp", jars, main]

    def train(self, folder):
        """Formats data once, and starts a broker once, which writes the archive when it ends."""
        certificates = tls.source()
        ports = {}
        for name in self.ports:
            ports[name] = free_port(ports.values())
        file = folder / "server.properties"
        file.write_text(settings(folder / "data", ports, certificates))
        users = [f"SCRAM-SHA-{bits}=[name=carol,password=carol-secret]" for bits in (256, 512)]
        run([*self.java("kafka.tools.StorageTool"), "format", "-t", CLUSTER, "-c", file,
             *[word for user in users for word in ("--add-scram", user)]], "formatting Kafka's data")
        shutil.copytree(folder / "data", folder / "formatted")
        with open(folder / "log", "wb") as log:
            server = subprocess.Popen([*self.java("kafka.Kafka", f"-XX:ArchiveClassesAtExit={folder}/classes.jsa"), file],
                                      stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                self.await_ready(ports, server, folder)
                server.send_signal(signal.SIGTERM)
                server.wait(60)
            finally:
                server.kill()
                server.wait()
        shutil.rmtree(folder / "data")

    def await_ready(self, ports, server, folder):
        end = time.monotonic() + self.seconds
        while time.monotonic() < end and server.poll() is None:
            try:
                if self.ready(ports):
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise Unavailable("the first start of Kafka failed: " + (folder / "log").read_text()[-2000:])

    def command(self, place, ports):
        folder = own(place.data / "kafka", None)
        data = folder / "data"
        if not data.is_dir():
            new = folder / "data.new"
            shutil.rmtree(new, ignore_errors=True)
            shutil.copytree(self.archive() / "formatted", new)
            new.rename(data)
        write(folder / "server.properties", settings(data, ports, place.tls))
        flags = [f"-XX:SharedArchiveFile={self.archive()}/classes.jsa", "-Xmx512m"]
        return [*self.java("kafka.Kafka", *flags), folder / "server.properties"]

    def ready(self, ports):
        return brokers(ports["plain"]) > 0

    def describe(self, place, ports):
        addresses = {key: f"127.0.0.1:{ports[key]}" for key in LISTENERS}
        plain = {name: USERS[name] for name in ("alice", "bob")}
        return {**addresses, "users": {"plain": plain, "scram": {"carol": USERS["carol"]}}}
