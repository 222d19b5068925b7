"""Writes run-145-2010.tsv and run-145-2012.tsv: for every epoch the learning rate of the weights (epsW),
that of conv1, and the colour noise, by the ledgers at the end of layers/layer-params-145-2010.cfg and
layer-params-145.cfg of github.com/computerhistory/AlexNet-Source-Code. "epoch 23: set epsw to 0.001"
holds from epoch 24 on.
"""
LEDGERS = {
    "run-145-2010": """
epoch 23: set epsw to 0.001 from 0.01
epoch 51: set epsw to 0.0001 from 0.001
epoch 68: set epsw to 0.00001 from 0.0001 on conv1
          set color noise to 0 from 0.1
epoch 72: set epsw to 0 on conv1
epoch 78: set epsw to 0.00001 from 0.0001
epoch 93: killed""",
    "run-145-2012": """
epoch 25: set epsw to 0.001 from 0.01
epoch 51: set epsw to 0.0001 from 0.001
epoch 67: set epsw to 0.00001 from 0.0001 on conv1
          set color noise to 0 from 0.1
epoch 72: set epsw to 0 on conv1
epoch 79: set epsw to 0.00001 from 0.0001
epoch 91: killed""",
}
for name, text in LEDGERS.items():
    events, at = {}, 0
    for line in text.strip().splitlines():
        head, _, what = line.rpartition(": ")
        at = int(head.split()[1]) if head else at
        events.setdefault(at, []).append(what.strip())
    rate = conv1 = "0.01"
    noise, held = "0.1", False
    with open(f"{name}.tsv", "w") as f:
        for epoch in range(1, at + 1):
            f.write(f"{epoch}\t{rate}\t{conv1}\t{noise}\n")
            for what in events.get(epoch, []):
                words = what.split()
                if "noise" in words:
                    noise = words[words.index("to") + 1]
                elif words[-1] == "conv1":
                    conv1, held = words[words.index("to") + 1], True
                elif "epsw" in words:
                    rate = words[words.index("to") + 1]
                    conv1 = conv1 if held else rate
