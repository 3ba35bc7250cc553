# Every data set, once, to one verified file: found, or a stand-in that says so.


rule dataset:
    output:
        data="<results>/data/{use}/{dataset}-{classes}.npz",
        sums="<results>/data/{use}/{dataset}-{classes}.sha256",
    log:
        "<logs>/data/{use}/{dataset}-{classes}.log",
    cache: True
    params:
        options=plan.data.options,
        found=lambda wildcards: data.found(wildcards.dataset),
        made_by=made_by("data"),
    message:
        "data for {wildcards.use}: {wildcards.dataset}, classes {wildcards.classes}"
    shell:
        "normplace data {params.options} --output {output.data} 2>&1 | tee {log} && python -m study.cache {output}"
