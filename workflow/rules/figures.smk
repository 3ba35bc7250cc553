# Figures and printed tables from tidy tables, then one report of everything. Nothing here computes.

from figures import FIGURES, HELPERS, TABLES, message
from study.plan import logged

# What more than one figure is drawn with: a change redraws them all.
SHARED = [
    ours("src/normplace/tables/tidy.py"),
    *expand(ours("figures/{module}.py"), module=HELPERS),
]


# Some figures a job: to start takes longer than to draw.
for kind, drawn in plan.figures.items():

    rule:
        name:
            f"{kind}_figures"
        input:
            tidy=plan.tidy_tables(*dict.fromkeys(FIGURES[figure] for figure in drawn)),
            modules=expand(ours("figures/{figure}.py"), figure=drawn),
            shared=SHARED,
        output:
            expand(f"{RESULTS}/figures/{{figure}}.pdf", figure=drawn),
            [
                report(
                    f"{RESULTS}/figures/{figure}.png",
                    caption="../report/figure.rst",
                    category="Figures",
                    labels={"figure": figure, "shows": message(figure)},
                )
                for figure in drawn
            ],
        log:
            f"{RESULTS}/logs/{kind}_figures.log",
        params:
            figures=drawn,
            tidy=tidy_folder,
            folder=folder,
        message:
            f"drawing {kind} figures"
        shell:
            logged(
                "python -m figures {params.figures} --tidy {params.tidy} --output {params.folder}"
            )


rule printed_tables:
    input:
        tidy=plan.tidy_tables(*plan.tables),
        modules=expand(
            ours("figures/tables/{module}.py"),
            module=["__main__", *sorted(set(TABLES.values()))],
        ),
        shared=SHARED,
    output:
        [
            report(
                f"{RESULTS}/tables/{table}.csv",
                caption="../report/table.rst",
                category="Tables",
                labels={"table": table},
            )
            for table in TABLES
        ],
        expand(
            f"{RESULTS}/tables/{{table}}.{{format}}",
            table=TABLES,
            format=["md", "tex"],
        ),
    log:
        f"{RESULTS}/logs/tables.log",
    params:
        tidy=tidy_folder,
        folder=folder,
    message:
        "writing tables"
    shell:
        logged("python -m figures.tables --tidy {params.tidy} --output {params.folder}")


rule figures:
    input:
        expand(
            f"{RESULTS}/figures/{{figure}}.{{format}}",
            figure=FIGURES,
            format=["pdf", "png"],
        ),


rule tables:
    input:
        rules.printed_tables.output,


rule report:
    input:
        rules.figures.input,
        rules.tables.input,
        rules.claims.output,
        captions=expand(
            ours("workflow/report/{caption}.rst"),
            caption=["figure", "table", "claims", "workflow"],
        ),
        front=ours("workflow/report/front.yaml"),
        look=ours("workflow/report/report.css"),
        answer=[ours(f"workflow/study/{module}.py") for module in ("answer", "summary")],
    output:
        html=f"{RESULTS}/report.html",
        front=FRONT,
    log:
        f"{RESULTS}/logs/report.log",
    params:
        snakefile=ours("Snakefile"),
        configfiles=[os.path.relpath(path) for path in workflow.configfiles],
        entries=["--config", *ENTRIES] if ENTRIES else [],
        results=folder,
    message:
        "writing {output.html}"
    shell:
        logged(
            "{{ export NORMPLACE_RESULTS={params.results:q} && "
            "python -m study.answer --results $NORMPLACE_RESULTS --output {output.front:q} && "
            "snakemake --snakefile {params.snakefile:q} --configfile {params.configfiles:q} {params.entries:q} "
            "--nolock --report {output.html} --report-metadata {input.front:q} --report-stylesheet {input.look:q} figures tables claims; }}"
        )


# One job, which takes less than its start: the page is made from the manifest, and last of all.
rule manifest:
    input:
        rules.figures.input,
        rules.tables.input,
        rules.claims.output,
        rules.report.output,
        modules=expand(
            ours("workflow/{file}"),
            file=[
                "study/answer.py",
                "study/manifest.py",
                "study/page.py",
                "study/summary.py",
                "report/page/index.html.j2",
                "report/page/page.css",
                "report/page/page.js",
            ],
        ),
    output:
        manifest=f"{RESULTS}/manifest.json",
        page=f"{RESULTS}/index.html",
    log:
        f"{RESULTS}/logs/manifest.log",
    params:
        results=folder,
        configuration=json.dumps(config),
    message:
        "writing {output.manifest} and {output.page}"
    shell:
        logged(
            "{{ python -m study.manifest --results {params.results} --configuration {params.configuration:q} "
            "--output {output.manifest} && "
            "python -m study.page --results {params.results} --output {output.page}; }}"
        )
