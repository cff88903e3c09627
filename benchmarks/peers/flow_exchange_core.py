"""exchange-core: the flow through its direct book, and through the whole with its risk engine.

Maven fetches it into a folder that is deleted afterwards; the Java program is compiled here.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measured import DATA, RUNS, expect, flow_file, tell_rates

SOURCE = Path(__file__).with_name("FlowExchangeCore.java")
VERSION = "0.5.3"
WIRE_VERSION = "2.20.117"
"""What exchange-core asks for itself does not run on Java 17."""
DEPENDENCY = (
    "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
)
PROJECT = (
    "<project><modelVersion>4.0.0</modelVersion><groupId>peer</groupId>"
    "<artifactId>peer</artifactId><version>1</version><dependencies>{}</dependencies></project>"
)
OPENED = ("java.lang", "java.lang.reflect", "java.io", "java.nio", "java.util", "sun.nio.ch")
EXPORTED = ("jdk.internal.ref", "sun.nio.ch")
MODES = {"book": RUNS, "world": 1}


def installed(folder):
    """A folder with exchange-core and what it needs."""
    for tool in ("mvn", "javac", "java"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is not installed")
    wanted = (
        ("exchange.core2", "exchange-core", VERSION),
        ("net.openhft", "chronicle-wire", WIRE_VERSION),
    )
    dependencies = "".join(DEPENDENCY.format(*it) for it in wanted)
    (folder / "pom.xml").write_text(PROJECT.format(dependencies))
    fetch = ["mvn", "-q", "-B", f"-Dmaven.repo.local={folder / 'repository'}"]
    fetch += ["dependency:copy-dependencies", f"-DoutputDirectory={folder / 'lib'}"]
    subprocess.run(fetch, check=True, cwd=folder, stdout=sys.stderr)
    return folder / "lib"


def compiled(library, folder):
    """The command that runs the flow."""
    made = folder / "classes"
    compile_it = ["javac", "-nowarn", "-cp", f"{library}/*", "-d", str(made), str(SOURCE)]
    subprocess.run(compile_it, check=True, stdout=sys.stderr)
    options = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPENED]
    options += [f"--add-exports=java.base/{name}=ALL-UNNAMED" for name in EXPORTED]
    options += ["--add-opens=jdk.compiler/com.sun.tools.javac=ALL-UNNAMED"]
    options += ["--add-exports=jdk.compiler/com.sun.tools.javac.file=ALL-UNNAMED"]
    return ["java", "-Xmx3g", *options, "-cp", f"{library}/*:{made}", "FlowExchangeCore"]


def main():
    with tempfile.TemporaryDirectory(dir=DATA) as name:
        command = compiled(installed(Path(name)), Path(name))
        path, count = flow_file("shallow")
        for mode, runs in MODES.items():
            words = [*command, str(path), str(count), str(runs), mode]
            told = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
            lines = [line.split()[1:] for line in told.splitlines() if line.startswith("run ")]
            trades, volume, live = map(int, lines[-1][1:])
            totals = {"trades": trades, "volume": volume, "live": live}
            expect("shallow", totals)
            rates = [count / float(seconds) for seconds, *_ in lines]
            tell_rates(f"exchange-core, {mode}", rates, "operations/s", totals)


if __name__ == "__main__":
    main()
