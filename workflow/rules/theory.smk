# Theory on each data set's own points, at infinite width and at the networks' own, with guess fractions drawn from it.

for cells in plan.theories.rules:

    rule:
        name:
            cells.name
        input:
            plan.theories.data,
        output:
            cells.output,
        log:
            f"<logs>/theory/{cells.log}",
        wildcard_constraints:
            experiment=cells.experiment,
            group=cells.group,
        cache: True
        params:
            options=plan.theories.options,
            points=plan.theories.points,
            cells=cells.names,
            made_by=made_by("theory"),
        message:
            "kernel theory: {wildcards}"
        shell:
            kept(
                "normplace theory --dataset file:{input} {params.options} --cells {params.cells} --output $(dirname {output.sums})"
            )
