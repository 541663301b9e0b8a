"""DynamoDB Local: Amazon's own emulator of DynamoDB, in memory. Its jars come by Maven, into the cache."""
import shutil
import urllib.error
import urllib.request

from services.place import CACHE, template
from services.system import System, apt_install, run

VERSION = "3.1.0"
LIBRARIES = f"dynamodb-local-{VERSION}"
POM = f"""<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>assay</groupId><artifactId>dynamodb-local</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>software.amazon.dynamodb</groupId><artifactId>DynamoDBLocal</artifactId><version>{VERSION}</version></dependency>
  </dependencies>
</project>
"""
# It has no option for the address and would listen on all of them; the field's name is one of this very version.
MAIN = """import java.lang.reflect.Field;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import software.amazon.dynamodb.services.local.main.ServerRunner;
import software.amazon.dynamodb.services.local.server.DynamoDBProxyServer;

public class OnLoopback {
    public static void main(String[] arguments) throws Exception {
        DynamoDBProxyServer proxy = ServerRunner.createServerFromCommandLineArgs(arguments);
        Field field = DynamoDBProxyServer.class.getDeclaredField("server");
        field.setAccessible(true);
        for (Connector connector : ((Server) field.get(proxy)).getConnectors()) {
            ((ServerConnector) connector).setHost("127.0.0.1");
        }
        proxy.start();
        proxy.join();
    }
}
"""


class DynamoDb(System):
    """DynamoDB Local."""

    name = "dynamodb"

    def missing(self):
        if not shutil.which("javac"):
            return "a Java development kit, 17 or newer"
        return None if (CACHE / LIBRARIES).is_dir() else "DynamoDB Local's jars"

    def install(self, say):
        if not shutil.which("javac") or not shutil.which("mvn"):
            apt_install(["openjdk-17-jdk-headless", "maven"], say)
        say(f"bringing DynamoDB Local {VERSION} by Maven into the cache")
        template(LIBRARIES, self.build, lambda: say("another process is bringing it: waiting"))

    @staticmethod
    def build(folder):
        """Brings the jars and compiles the start."""
        (folder / "pom.xml").write_text(POM)
        run(["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=lib"], "mvn", cwd=folder)
        (folder / "OnLoopback.java").write_text(MAIN)
        run(["javac", "-cp", "lib/*", "-d", "main", "OnLoopback.java"], "javac", cwd=folder)

    def command(self, place, ports):
        jars = CACHE / LIBRARIES
        return ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/lib/*:{jars}/main", "OnLoopback",
                "-port", str(ports["port"]), "-disableTelemetry", "-inMemory", "-sharedDb"]

    def ready(self, ports):
        # a request without a call in it is refused: then it answers
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"http://127.0.0.1:{ports['port']}/", timeout=5):
                return True
        except urllib.error.HTTPError as error:
            return error.code == 400
        except urllib.error.URLError as error:
            raise OSError(str(error)) from error

    def describe(self, place, ports):
        return {
            "url": f"http://127.0.0.1:{ports['port']}",
            "host": "127.0.0.1",
            "port": ports["port"],
            "region": "us-east-1",
            "accessKeyId": "test",
            "secretAccessKey": "test",
        }
