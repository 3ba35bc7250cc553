# Initial guesses of sampled networks, and their tidy tables beside the theory.


rule sample:
    input:
        plan.samples.data,
    output:
        samples="<results>/init/{experiment}/{group}/{cell}.npz",
        sums="<results>/init/{experiment}/{group}/{cell}.sha256",
    log:
        "<logs>/init/{experiment}/{group}/{cell}.log",
    cache: True
    params:
        options=plan.samples.options,
        made_by=made_by("sample"),
    message:
        "sampling networks: {wildcards.experiment} {wildcards.group} {wildcards.cell}"
    shell:
        kept(
            "normplace sample --dataset file:{input} {params.options} --output {output.samples}"
        )


rule summarise:
    input:
        samples=plan.made_of("samples", ".npz"),
        theory=plan.made_of("theories", ".npz"),
    output:
        plan.tidy(jobs.TWO_CLASSES),
    log:
        "<logs>/tidy/{experiment}.log",
    wildcard_constraints:
        experiment=plan.with_tables(jobs.TWO_CLASSES),
    cache: True
    params:
        folder=folder,
        bootstrap=config["bootstrap"],
        made_by=made_by("summarise"),
    message:
        "summarising {wildcards.experiment}"
    shell:
        kept(
            "normplace summarise {input.samples} --theory {input.theory} --bootstrap {params.bootstrap} "
            "--output {params.folder}"
        )


# Of a rule that is used Snakemake takes over everything but `cache`.
use rule summarise as summarise_classes with:
    output:
        plan.tidy(jobs.MANY_CLASSES),
    wildcard_constraints:
        experiment=plan.with_tables(jobs.MANY_CLASSES),
    cache: True


use rule summarise as summarise_images with:
    output:
        plan.tidy(jobs.IMAGES),
    wildcard_constraints:
        experiment=plan.with_tables(jobs.IMAGES),
    cache: True


rule finite_width:
    input:
        samples=plan.made_of("samples", ".npz"),
        theory=plan.made_of("theories", ".npz"),
    output:
        table="<results>/tidy/{experiment}/first_order.csv",
        sums="<results>/tidy/{experiment}/tables.sha256",
    log:
        "<logs>/tidy/{experiment}.log",
    wildcard_constraints:
        experiment=plan.with_tables(jobs.FIRST_ORDER),
    cache: True
    params:
        experiment="{experiment}",
        bootstrap=config["bootstrap"],
        made_by=made_by("finite_width"),
    message:
        "fitting the correction in depth / width"
    shell:
        kept(
            "normplace finite-width {input.samples} --theory {input.theory} --bootstrap {params.bootstrap} "
            "--output {output.table}"
        )
