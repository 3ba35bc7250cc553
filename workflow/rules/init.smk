# Initial guesses of sampled networks, and their tidy tables beside the theory.


for cells in plan.samples.rules:

    rule:
        name:
            cells.name
        input:
            plan.samples.data,
        output:
            cells.output,
        log:
            f"<logs>/init/{cells.log}",
        wildcard_constraints:
            experiment=cells.experiment,
            group=cells.group,
        cache: True
        params:
            options=plan.samples.options,
            points=plan.samples.points,
            cells=cells.names,
            made_by=made_by("sample"),
        message:
            "sampling networks: {wildcards}"
        shell:
            kept(
                "normplace sample --dataset file:{input} {params.options} --cells {params.cells} --output $(dirname {output.sums})"
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
        inputs=plan.inputs,
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


use rule summarise as summarise_phase with:
    output:
        plan.tidy(jobs.TWO_CLASSES),
    wildcard_constraints:
        experiment=plan.with_tables(jobs.PHASE),
    cache: True


rule phase_map:
    output:
        table="<results>/tidy/{experiment}/map.csv",
        sums="<results>/tidy/{experiment}/map.sha256",
    log:
        "<logs>/tidy/{experiment}-map.log",
    wildcard_constraints:
        experiment=plan.with_tables(jobs.PHASE),
    cache: True
    params:
        made_by=made_by("phase"),
    message:
        "computing the phase diagram"
    shell:
        kept("normplace phase --output {output.table}")
