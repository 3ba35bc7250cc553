# Infinite-width theory on each data set's own kernel, with guess fractions drawn from it.


rule kernel_theory:
    input:
        plan.theories.data,
    output:
        table="<results>/theory/{experiment}/{group}/{cell}.csv",
        draws="<results>/theory/{experiment}/{group}/{cell}.npz",
        sums="<results>/theory/{experiment}/{group}/{cell}.sha256",
    log:
        "<logs>/theory/{experiment}/{group}/{cell}.log",
    cache: True
    params:
        options=plan.theories.options,
        made_by=made_by("theory"),
    message:
        "kernel theory: {wildcards.experiment} {wildcards.group} {wildcards.cell}"
    shell:
        kept(
            "normplace theory --dataset file:{input} {params.options} --draws-output {output.draws} "
            "--output {output.table}"
        )
