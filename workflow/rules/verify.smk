# Which claims hold, by the tidy tables. A claim that fails is a result and stops nothing here: `make verify` exits with 1.


rule claims:
    input:
        tidy=expand(
            f"{RESULTS}/tidy/{{table}}.csv", table=configuration.claimed_tables()
        ),
        claims="claims.yaml",
    output:
        report(
            f"{RESULTS}/tables/claims.csv",
            caption="../report/claims.rst",
            category="Claims",
            labels={"table": "claims"},
        ),
        multiext(f"{RESULTS}/tables/claims", ".md", ".json"),
    log:
        f"{RESULTS}/logs/claims.log",
    params:
        results=lambda wildcards, output: Path(output[0]).parent.parent,
        code=configuration.code("claims"),
    message:
        "judging claims"
    shell:
        "normplace verify --results {params.results} --claims {input.claims} > {log} 2>&1 || [ $? -eq 1 ]"
