# Infinite-width theory on each data set's own kernel, with guess fractions drawn from it.


rule kernel_theory:
    input:
        plan.theories.data,
    output:
        table="<results>/theory/{experiment}/{name}.csv",
        draws="<results>/theory/{experiment}/{name}.npz",
        sums="<results>/theory/{experiment}/{name}.sha256",
    log:
        "<logs>/theory/{experiment}/{name}.log",
    cache: True
    params:
        options=plan.theories.options,
        made_by=made_by("theory"),
    message:
        "kernel theory: {wildcards.experiment} {wildcards.name}"
    shell:
        kept(
            "normplace theory --dataset file:{input} {params.options} --draws-output {output.draws} "
            "--output {output.table}"
        )
