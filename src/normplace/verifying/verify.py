"""What `normplace verify` and `npl.verify` do: claims judged, files held against the manifest, two runs compared."""

from dataclasses import dataclass
from pathlib import Path

from normplace.errors import UserError
from normplace.files import sha256_of_file
from normplace.verifying import report
from normplace.verifying.checks import FAILS
from normplace.verifying.claims import Judgement, judge, read_claims
from normplace.verifying.comparison import Comparison, compare
from normplace.verifying.completeness import EXPECTED
from normplace.verifying.manifest import MANIFEST, problems, read_manifest


@dataclass(frozen=True, repr=False)
class Verification:
    """What was asked for about the results in a folder, None for the rest; shown as the command prints it.

    claims: a judgement each, in the order of their file. integrity: one line per file that is not as the manifest says,
    such as "altered: tidy/placements/gamma.csv". against: what differs from a reference, and how that was found.
    manifest_sha256: of the manifest that files were held against.
    """

    results: Path
    claims: list[Judgement] | None = None
    integrity: list[str] | None = None
    against: Comparison | None = None
    manifest_sha256: str = ""

    @property
    def passed(self) -> bool:
        """No claim fails but readings, no file is other than it was made, no number differs.

        A reading is what the paper does not say: that it fails is a finding.
        """
        failing = any(judgement.verdict == FAILS and judgement.claim.by != "reading" for judgement in self.claims or [])
        return not (failing or self.integrity or (self.against and self.against.differences))

    def __repr__(self) -> str:
        parts = []
        if self.claims is not None:
            parts.append(report.text(self.claims))
            if not (self.results / "tidy" / EXPECTED).exists():
                parts.append(f"note: there is no tidy/{EXPECTED}, so whether rows are missing was not looked at")
        if self.integrity is not None:
            count = len(self.integrity) or "no"
            parts += [*self.integrity, f"integrity of {self.results}: {count} altered, missing or extra files"]
            parts.append(f"SHA-256 of its manifest, to compare with the one published: {self.manifest_sha256}")
        if self.against is not None:
            parts.append(repr(self.against))
        return "\n".join(parts)


def verify(
    results: Path | str, *, claims: Path | str | None = None, integrity: bool = False, against: Path | str | None = None
) -> Verification:
    """Whether the results of a run are what is claimed, unaltered, and those of another run.

    results: a folder that a run wrote, such as results/quick or reference/quick. claims: a file of claims, judged on
    the tidy tables; without it claims.yaml, unless only `integrity` or `against` is asked for. integrity: hold every
    file against the manifest. against: another such folder, compared by bytes where both must have the same bytes, else
    number by number within standard errors.

    Raises:
        UserError: no such folder, a file that is missing or damaged, or a run of another configuration.

    >>> found = verify("reference/quick", integrity=True)
    >>> print(str(found).splitlines()[0])
    integrity of reference/quick: no altered, missing or extra files
    >>> found.passed
    True
    >>> verify("reference/quick").claims[0]
    <batch-before-constant: holds>
    """
    results = Path(results)
    if not results.is_dir():
        raise UserError(f"--results {results}: no such folder; `make replicate` writes results/quick")
    if against and not Path(against).is_dir():
        raise UserError(f"--against {against}: no such folder; reference/quick is one")
    judgements = None
    if claims is not None or not (integrity or against):
        if not (results / "tidy").is_dir():
            raise UserError(f"--results {results}: has no folder tidy, which `make replicate` makes")
        judgements = judge(read_claims(Path(claims or "claims.yaml")), results / "tidy")
    return Verification(
        results,
        judgements,
        problems(results, read_manifest(results)) if integrity else None,
        compare(results, Path(against)) if against else None,
        sha256_of_file(results / MANIFEST) if integrity else "",
    )
