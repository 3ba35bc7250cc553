"""Run `snakemake --lint` and fail on every complaint but the one that is explained here."""

import re
import subprocess
import sys

# The whole project runs in one locked environment (requirements.lock); an environment a rule would leave it.
ALLOWED = "Specify a conda environment or container for each rule."


def main() -> None:
    """Print every complaint that is not allowed; exit with 1 if there is one or the linter itself failed."""
    command = ["snakemake", "--lint", "text", "--configfile", "config/quick.yaml"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    report = found.stdout + found.stderr
    titles = re.findall(r"^    \* (.*?):$", report, flags=re.MULTILINE)
    others = set(titles) - {ALLOWED}
    if others or not (titles or "Congratulations" in report):
        sys.exit(f"{report}\nNot allowed: {', '.join(sorted(others))}")
    print(f"snakemake --lint: nothing but {len(titles)} allowed complaints")


if __name__ == "__main__":
    main()
