# Which claims hold, by the tidy tables. A claim that fails is a result and stops nothing here; `make verify` says so.

from study.plan import OR_SAY_SO


rule claims:
    input:
        tidy=expand("<results>/tidy/{table}.csv", table=claimed_tables()),
        claims=ours("claims.yaml"),
    output:
        report(
            "<results>/tables/claims.csv",
            caption="../report/claims.rst",
            category="Claims",
            labels={"table": "claims"},
        ),
        multiext("<results>/tables/claims", ".md", ".json"),
        expected="<results>/tidy/expected.json",
    log:
        "<logs>/claims.log",
    params:
        results=lambda wildcards, output: Path(output[0]).parents[1],
        configuration=json.dumps(config),
        made_by=made_by("verify"),
    message:
        "judging claims"
    shell:
        "python -m study.expected {params.configuration:q} {output.expected} > {log} 2>&1 && "
        "{{ normplace verify --results {params.results} --claims {input.claims:q} >> {log} 2>&1 || [ $? -eq 1 ]; }}"
        + OR_SAY_SO


rule verify:
    input:
        rules.claims.output,
