"""Writes testdata/devkit: an ILSVRC2012 development kit of five classes.

    python devkit.py        (numpy, scipy)

As in the real kit the ids follow no order of the wnids, synsets with children
come after the classes, and meta.mat is a compressed MAT file of level 5. Values
are stored in the small integer types that MATLAB itself would choose.
"""
import pathlib

import numpy as np
import scipy.io

CLASSES = [  # id, wnid, words: the ids are in another order than the wnids
    (1, "n03028079", "church, church building"),
    (2, "n01440764", "tench, Tinca tinca"),
    (3, "n03888257", "parachute, chute"),
    (4, "n02102040", "English springer, English springer spaniel"),
    (5, "n02979186", "cassette player"),
]
GROUPS = [(6, "n00015388", "animal, animate being", [2, 4]), (7, "n00021939", "artifact, artefact", [1, 3, 5])]
TRUTH = [3, 1, 2, 5, 4, 2, 1, 3, 4, 5]  # of pictures 1 to 10

fields = ["ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height", "num_train_images"]
rows = [(i, w, t, "a description", 0, [], 0, 1300) for i, w, t in CLASSES]
rows += [(i, w, t, "a group of classes", len(c), c, 1, 0) for i, w, t, c in GROUPS]
synsets = np.zeros((len(rows), 1), dtype=[(f, "O") for f in fields])
for n, row in enumerate(rows):
    for f, v in zip(fields, row):
        if isinstance(v, int):
            v = np.array([[v]], dtype=np.uint16 if v > 255 else np.uint8)
        elif isinstance(v, list):
            v = np.array([v], dtype=np.float64)
        synsets[n, 0][f] = v

folder = pathlib.Path(__file__).parent / "devkit"
scipy.io.savemat(folder / "meta.mat", {"synsets": synsets}, do_compression=True, format="5")
with open(folder / "ILSVRC2012_validation_ground_truth.txt", "w") as f:
    f.writelines(f"{i}\n" for i in TRUTH)
