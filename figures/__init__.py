"""Figures and printed tables. They read tidy tables and compute nothing."""

# figure, the module of its name -> the experiment whose tidy tables it reads
FIGURES = {
    "regimes": "placements",
    "guess_histograms": "placements",
    "gamma_by_depth": "placements",
    "width_convergence": "width_convergence",
    "batch_statistics": "batch_statistics",
    "centring": "centring",
    "activations": "activations",
    "shift": "shift",
    "classes": "classes",
    "finite_width": "finite_width",
    "architectures": "architectures",
    "zoo": "zoo",
    "dynamics": "dynamics",
    "majority_gap": "dynamics",
    "absorption": "dynamics",
    "start_matters": "start_matters",
    "learning_rates": "learning_rates",
    "resnet_dynamics": "resnet_dynamics",
}
