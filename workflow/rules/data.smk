# Every data set, once, to verified files: found, or a stand-in that says so.

for files in plan.data:

    rule:
        name:
            f"dataset_{files.dataset}"
        output:
            files.output,
        log:
            f"<logs>/data/{files.dataset}.log",
        cache: True
        params:
            options=files.options,
            found=data.found(files.dataset),
            made_by=made_by("data"),
        message:
            f"preparing {files.dataset}"
        shell:
            kept("normplace data {params.options} --output $(dirname {output.sums})")
