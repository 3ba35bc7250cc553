# Infinite-width theory on each data set's own kernel, with guess fractions drawn from it.


rule kernel_theory:
    input:
        lambda wildcards: data_of(THEORIES[wildcards.experiment][wildcards.name]),
    output:
        table=f"{RESULTS}/theory/{{experiment}}/{{name}}.csv",
        draws=f"{RESULTS}/theory/{{experiment}}/{{name}}.npz",
        sums=f"{RESULTS}/theory/{{experiment}}/{{name}}.sha256",
    log:
        f"{RESULTS}/logs/theory/{{experiment}}/{{name}}.log",
    cache: True
    params:
        options=lambda wildcards: THEORIES[wildcards.experiment][wildcards.name].options,
        code=configuration.code("theory"),
        versions=VERSIONS,
    message:
        "kernel theory: {wildcards.experiment} {wildcards.name}"
    shell:
        "normplace theory --dataset file:{input} {params.options} --draws-output {output.draws} "
        "--output {output.table} > {log} 2>&1 && python -m study.cache {output}"
