"""A run as a research object: `ro-crate-metadata.json`, made from its manifest (Workflow Run RO-Crate 0.5).

The crate holds the run's files, the workflow that made them and the configuration that it was given, below `code`, and
one action that leads from the data and the configuration to the results.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from normplace.verifying.manifest import MANIFEST, Manifest
from study.code import ROOT

METADATA = "ro-crate-metadata.json"
README = "README.md"
CONFIGURATION = "code/configuration.yaml"
WORKFLOW = "code/Snakefile"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
TYPES = ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
LICENSE = "https://spdx.org/licenses/MIT"
PAPER = "https://arxiv.org/abs/2505.11312"
FORMATS = {
    ".csv": "text/csv", ".html": "text/html", ".json": "application/json", ".md": "text/markdown",
    ".npz": "application/zip", ".pdf": "application/pdf", ".png": "image/png", ".rst": "text/x-rst",
    ".sha256": "text/plain", ".smk": "text/plain", ".tex": "application/x-tex", ".yaml": "application/yaml",
}  # fmt: skip


ABOUT = """# A run of normplace {version} at the {scale} scale

`index.html` shows what was found, `manifest.json` names every file with its SHA-256, `{metadata}` describes
all of it as a research object, and `code` holds the project's code, the lock of its packages and the configuration.

In a checkout of normplace, `tar -xzf {scale}.tar.gz -C results` unpacks it, `make verify SCALE={scale}` checks that no
file was altered and judges the claims, and `make figures SCALE={scale}` draws the figures again.
""".replace("{metadata}", METADATA)


def code(manifest: Manifest) -> dict[str, bytes]:
    """What explains a run: the project's code, the run's configuration and a page about them, by name in the crate."""
    found = {f"code/{path.relative_to(ROOT).as_posix()}": path.read_bytes() for path in sources()}
    readme = ABOUT.format(scale=manifest.configuration["scale"], version=manifest.versions["normplace"])
    return {
        **found,
        README: readme.encode(),
        CONFIGURATION: yaml.safe_dump(manifest.configuration, sort_keys=False).encode(),
    }


def sources() -> list[Path]:
    """All that a run needs of the project."""
    suffixes = {".py", ".smk", ".yaml", ".rst", ".j2", ".css", ".js", ".typed"}
    folders = ("config", "figures", "src", "workflow")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in suffixes]
    names = ("Snakefile", "Makefile", "claims.yaml", "pyproject.toml", "requirements.lock", "README.md", "LICENSE")
    return sorted([*found, *(ROOT / name for name in names)])


def metadata(results: Path, manifest: Manifest, more: dict[str, bytes]) -> str:
    """The crate's description of a run and of what lies beside it; equal runs give equal text."""
    scale = manifest.configuration["scale"]
    crate = ROCrate(version="1.1")
    crate.name = f"normplace: a run at the {scale} scale"
    crate.description = (
        "How norm type and placement decide what an untrained network guesses: data, samples, theory, training, "
        "tables, figures and claims of one run of the workflow that replicates arXiv 2505.11312."
    )
    crate.license = thing(crate, LICENSE, "CreativeWork", name="MIT License")
    crate.datePublished = manifest.ended
    profiles = [
        thing(crate, url, "CreativeWork", name=name, version=url.rpartition("/")[2]) for url, name in PROFILES.items()
    ]
    crate.root_dataset["conformsTo"] = profiles
    crate.root_dataset["citation"] = thing(
        crate, PAPER, "ScholarlyArticle",
        name="Where You Place the Norm Matters: From Prejudiced to Neutral Initializations",
    )  # fmt: skip
    makers = thing(crate, "#makers", "Organization", name="the normplace contributors")
    crate.root_dataset["author"] = crate.root_dataset["publisher"] = makers
    workflow = crate.add_workflow(
        dest_path=WORKFLOW, main=True, lang="snakemake", lang_version=manifest.versions.get("snakemake"),
        properties={
            "@type": TYPES, "name": "normplace", "version": manifest.versions["normplace"], "license": LICENSE,
            "encodingFormat": "text/plain",
        },
    )  # fmt: skip
    workflow["creator"] = makers
    crate.metadata.extra_terms = {"sha256": "http://schema.org/sha256"}
    files = {
        name: crate.add_file(
            dest_path=name, properties={**_properties(name), "sha256": digest, "contentSize": str(size)}
        )
        for name, (digest, size) in _sums(results, manifest, more).items()
        if name != WORKFLOW
    }
    files[README]["about"] = crate.root_dataset
    inputs = [CONFIGURATION, *(name for name in manifest.inputs if name in files)]
    action = crate.add_action(
        workflow, "#run", [files[name] for name in inputs],
        [file for name, file in files.items() if name not in inputs and name in manifest.files],
        {
            "name": f"The run at the {scale} scale",
            "description": "Snakemake ran the workflow on the data with this configuration.",
            "startTime": manifest.begun, "endTime": manifest.ended,
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )  # fmt: skip
    action["agent"] = makers
    crate.root_dataset["mentions"] = action
    return json.dumps(crate.metadata.generate(), indent=1, ensure_ascii=False) + "\n"


def thing(crate: ROCrate, identifier: str, kind: str, **properties: str) -> Any:
    """Something that the crate names and does not hold."""
    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def _properties(name: str) -> dict[str, str]:
    return {"name": name, "encodingFormat": FORMATS.get(Path(name).suffix, "application/octet-stream")}


def _sums(results: Path, manifest: Manifest, more: dict[str, bytes]) -> dict[str, tuple[str, int]]:
    """SHA-256 and bytes of each file of the crate."""
    listed = {name: (file.sha256, file.bytes) for name, file in manifest.files.items()}
    more = more | {MANIFEST: (results / MANIFEST).read_bytes()}
    return listed | {name: (sha256(content).hexdigest(), len(content)) for name, content in more.items()}
