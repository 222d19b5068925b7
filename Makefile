# The commands of developers; CI runs `make check`.
GO      ?= go
OUT     ?= build
DEMO    ?= $(OUT)/demo
COMMANDS = prep-imagenet compute-pca train-alexnet

# VCS stamps the commit into the programs, if git can read the clone.
VCS     := $(shell git rev-parse HEAD >/dev/null 2>&1 && echo -buildvcs=auto)

# PREFIX is the folder of install, below DESTDIR for packagers.
PREFIX  ?= /usr/local
PLACE    = $(DESTDIR)$(PREFIX)

.PHONY: help build install uninstall release check-release test check generate check-generated rename check-rename check-hostile check-vulnerabilities check-platforms try-platforms check-arm64 check-avx512 check-nvidia mpich check-slurm check-kubernetes gpu-kit kit-binaries kit-shards gpu-rehearsal fuzz demo bench clean FORCE

build: ## the three commands, in build/
	CGO_ENABLED=0 $(GO) build $(VCS) -trimpath -o $(OUT)/ $(addprefix ./tools/,$(COMMANDS))

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: build ## the commands with manual pages and shell completions, in PREFIX (/usr/local)
	@for c in $(COMMANDS); do \
		install -D -m 755 $(OUT)/$$c $(PLACE)/bin/$$c && \
		$(OUT)/$$c manual >$(OUT)/page && install -D -m 644 $(OUT)/page $(PLACE)/share/man/man1/$$c.1 && \
		$(OUT)/$$c completion bash >$(OUT)/page && install -D -m 644 $(OUT)/page $(PLACE)/share/bash-completion/completions/$$c && \
		$(OUT)/$$c completion zsh >$(OUT)/page && install -D -m 644 $(OUT)/page $(PLACE)/share/zsh/site-functions/_$$c && \
		$(OUT)/$$c completion fish >$(OUT)/page && install -D -m 644 $(OUT)/page $(PLACE)/share/fish/vendor_completions.d/$$c.fish || exit 1; \
	done; rm -f $(OUT)/page; echo "installed in $(PLACE): $(COMMANDS)"

uninstall: ## removes the files of install
	@for c in $(COMMANDS); do rm -f $(PLACE)/bin/$$c $(PLACE)/share/man/man1/$$c.1 $(PLACE)/share/bash-completion/completions/$$c \
		$(PLACE)/share/zsh/site-functions/_$$c $(PLACE)/share/fish/vendor_completions.d/$$c.fish; done

release: ## archives for Linux, macOS and Windows, an SBOM and SHA256SUMS, in build/release, from a clone without changes
	$(GO) run ./tools/release -out $(OUT)/release

# RELEASE is what check-release builds; "all" takes half an hour.
RELEASE ?= linux-amd64

check-release: ## two releases from two clones, each with its own build cache, have the same bytes: two minutes
	ALEXNET_RELEASE=$(RELEASE) $(GO) test -count=1 -timeout 60m -v ./tools/release

test: ## every test that needs only Go
	$(GO) test ./...

check: ## test, vet, formats, other platforms, generated files, rules of imports, race detector, fuzzing
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt would change:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) build -tags noasm ./...
	$(GO) vet -tags nocuda ./engine/cuda ./engine/devices
	$(MAKE) check-platforms
	$(GO) run ./tools/check-imports
	$(GO) mod tidy -diff
	$(MAKE) check-generated
	$(MAKE) check-rename
	$(GO) test ./...
	$(GO) test -tags noasm -short ./engine/cpu/... ./engine/enginetest ./pipeline/jpeg ./pipeline/codec/... ./pipeline/resample/... ./augment/...
	# Skipped under the race detector: counts of allocations, since sync.Pool drops objects there;
	# processor time; packages without goroutines; and tests that take minutes there.
	CGO_ENABLED=1 $(GO) test -race -short -skip 'Alloc|TestConformance|TestTrainingAgrees|TestEveryCallMayFail|TestFailures|TestLargestNumbers' \
		$$($(GO) list ./pipeline/... ./engine/... ./augment/... ./tools/internal/... | grep -v -e /turbojpeg -e /synthetic -e /kernel)
	$(MAKE) fuzz FUZZ=500x

generate: ## makes all generated files again; code for GPUs only with its compiler
	$(GO) generate ./...

# Assembly with its stubs. Tests of the packages compare PTX and SPIR-V with their sources.
ASSEMBLY = $$(grep -lE '^// Code generated .* DO NOT EDIT' $$(git ls-files '*.s' '*.go'))

check-generated: ## generates the assembly again, and fails if a file changes
	@before=$$(sha256sum $(ASSEMBLY)) && $(GO) generate -run '_generate|avo -' ./... && echo "$$before" | sha256sum --quiet -c - || \
		{ echo "the assembly was not what its generators make: see git diff"; exit 1; }

rename: ## MODULE=example.org/you/alexnet gives the module this path, so that Go can fetch it
	$(GO) run ./tools/rename $(MODULE)

check-rename: ## a renamed copy builds and passes go vet
	@rm -rf $(OUT)/renamed && mkdir -p $(OUT)/renamed && \
		git ls-files -coz --exclude-standard | tar --null -T - -c | tar -x -C $(OUT)/renamed && cd $(OUT)/renamed && \
		$(MAKE) --no-print-directory rename MODULE=example.org/somebody/net && \
		$(GO) build ./... && $(GO) vet ./... && $(GO) run ./tools/check-imports

check-vulnerabilities: ## govulncheck with the Go vulnerability database, built from its Go module; fails if Go isn't the newest
	db=$$(mktemp -d) && trap 'rm -rf "$$db"' EXIT && \
	source=$$($(GO) mod download -json golang.org/x/vulndb@latest | sed -n 's/.*"Dir": "\(.*\)",*/\1/p') && \
	(cd "$$source" && $(GO) run ./cmd/indexdb -vulns data/osv -out "$$db") && \
	$(GO) run golang.org/x/vuln/cmd/govulncheck@latest -db "file://$$db" ./...

check-hostile: build ## attacks on the built commands: kills, bombs, slow clients, full disks; eight minutes, some of it as root
	ALEXNET_HOSTILE=$(abspath $(OUT)) $(GO) test -count=1 -timeout 20m -v ./tools/hostile

# Debian: apt-get install mesa-vulkan-drivers vulkan-validationlayers
check-vulkan: ## the Vulkan engine on vulkan:0, in software if there is no card, under the validation layer: suite, PyTorch's numbers, training
	ALEXNET_VULKAN=1 $(GO) test -count=1 -timeout 20m ./engine/vulkan/... ./engine/devices
	ALEXNET_VULKAN=1 $(GO) test -count=1 -timeout 20m -run Vulkan ./engine/enginetest ./tools/train-alexnet

check-platforms: ## builds and vets everything, tests included, for the other platforms and for static binaries
	@for target in windows/amd64 windows/arm64 darwin/amd64 darwin/arm64 linux/amd64 linux/arm64; do \
		echo "vet for $$target"; \
		GOOS=$${target%/*} GOARCH=$${target#*/} CGO_ENABLED=0 $(GO) vet ./... || exit 1; \
	done
	CGO_ENABLED=0 $(GO) vet -tags static ./...
	@! CGO_ENABLED=0 $(GO) list -tags static -deps ./... | grep purego || { echo "static binaries may not load libraries"; exit 1; }

try-platforms: ## the commands under wine64, static in an empty root, and for arm64 under qemu: the same bytes as here; three minutes, as root
	ALEXNET_PLATFORMS=1 $(GO) test -count=1 -timeout 10m -v ./tools/platforms

# Go binaries that can load CUDA need a libc: apt-get install qemu-user libc6-arm64-cross
QEMU = qemu-aarch64 -cpu max -L /usr/aarch64-linux-gnu

check-arm64: ## arm64's kernels, fp32 and bf16, and the conformance suite on them under Debian's qemu-user: under a minute, or two when busy
	GOARCH=arm64 $(GO) vet ./engine/cpu/...
	GOARCH=arm64 CGO_ENABLED=0 $(GO) test -count=1 -exec "$(QEMU)" -short ./engine/cpu/internal/kernel ./engine/cpu/internal/bf16
	GOARCH=arm64 CGO_ENABLED=0 $(GO) test -count=1 -exec "$(QEMU)" -short -run '^Test(Narrow)?Conformance$$/neon|^TestConstants$$' -skip '//events|///events' ./engine/cpu

# BOCHS is the folder in which check-avx512 installs an emulated processor, 6 MB. A C
# compiler builds the library that runs the kernels on it.
BOCHS ?= $(HOME)/.cache/alexnet-bochs

$(BOCHS)/bochscpu/__init__.py:
	python3 -m pip install -q --no-compile --no-deps --no-cache-dir --target $(BOCHS) bochscpu-python==0.4.0

# Under -short the conformance suite has its smallest form.
check-avx512: $(BOCHS)/bochscpu/__init__.py ## the kernels of AVX-512 and AVX512_BF16 on Bochs, on any processor: two minutes
	PYTHONPATH=$(BOCHS) ALEXNET_BOCHS=python3 $(GO) test -count=1 -short ./engine/cpu/internal/kernel ./engine/cpu/internal/bf16
	PYTHONPATH=$(BOCHS) ALEXNET_BOCHS=python3 $(GO) test -count=1 -short -run '^Test(Narrow)?Conformance$$/avx512' -skip '//events|///events' ./engine/cpu

.PHONY: wheel check-wheels check-python
# PYTHON needs numpy, torch and pytest: Debian's python3-torch, python3-pil and python3-pytest are enough.
PYTHON ?= python3

wheel: ## the Python package with its commands for every system, in build/wheels: pip install build/wheels/NAME.whl
	$(PYTHON) tools/python/backend.py $(OUT)/wheels $(WHEELS)

check-wheels: build ## makes and checks every system's wheel, and runs the one for arm64 under qemu-user: minutes if nothing is built yet
	rm -rf $(OUT)/wheels
	$(PYTHON) tools/python/backend.py $(OUT)/wheels
	ALEXNET_WHEELS=$(OUT)/wheels ALEXNET_BUILD=$(OUT) PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest -p no:cacheprovider tools/python/tests/test_wheels.py

check-python: build ## the Python package: its wheel in a fresh environment, and its tests; two minutes
	tools/python/check.sh $(OUT) $(PYTHON)

# NVIDIA_LIBS is the folder in which check-nvidia installs NVIDIA's libraries, about 2 GB;
# its file "ready" lists them. Versions are pinned, because newer cuDNNs need a driver.
NVIDIA_LIBS ?= $(HOME)/.cache/alexnet-nvidia
NVIDIA_WHEELS = nvidia-cublas==13.4.1.3 nvidia-cudnn-cu13==9.26.0.51 nvidia-cuda-nvrtc==13.2.86 \
	nvidia-cuda-runtime==13.2.86 nvidia-cuda-cccl==13.3.5.0.6 nvidia-nccl-cu13==2.32.3

$(NVIDIA_LIBS)/ready: FORCE
	@test "$$(cat $@ 2>/dev/null)" = "$(NVIDIA_WHEELS)" || \
		{ python3 -m pip install -q --no-compile --no-deps --no-cache-dir --upgrade --target $(NVIDIA_LIBS) $(NVIDIA_WHEELS) && \
		echo "$(NVIDIA_WHEELS)" >$@; }

FORCE:

check-nvidia: $(NVIDIA_LIBS)/ready ## tests with NVIDIA's real libraries that need no GPU
	ALEXNET_NEED_CUDA_LIBS=1 ALEXNET_CUDA_LIBS=$(NVIDIA_LIBS)/nvidia/cu13/lib:$(NVIDIA_LIBS)/nvidia/cudnn/lib:$(NVIDIA_LIBS)/nvidia/nccl/lib \
		$(GO) test -count=1 -skip WholeStack ./engine/cuda/internal/nvidia

# MPICH is the folder in which mpich installs an MPICH that works between hosts; Debian
# 12's may hang at the end. Tests of hosts use it, or the one in ALEXNET_TEST_MPICH.
MPICH ?= $(HOME)/.cache/alexnet-mpich

$(MPICH)/bin/mpiexec:
	DEB_PYTHON_INSTALL_LAYOUT=deb python3 -m pip install -q --no-compile --no-deps --no-cache-dir --ignore-installed --prefix $(MPICH) mpich==5.0.2

mpich: $(MPICH)/bin/mpiexec ## installs an MPICH for tests of ranks on several hosts, 20 MB

check-slurm: build ## docs/scale/*.sbatch on a Slurm cluster of two nodes on this machine: two minutes, as root
	BIN=$(OUT) tools/scale/slurm/check.sh

# CACHE keeps the Kubernetes that the first call builds from Go's module proxy.
check-kubernetes: build ## docs/scale/*-job.yaml on a Kubernetes of two nodes on this machine: two minutes, after half an hour the first time, as root
	BIN=$(OUT) tools/scale/kubernetes/check.sh

# DATA is a folder with Imagenette's train and val: some of it goes into the kit.
DATA ?= ../shared/data/imagenette-160
KIT  ?= $(OUT)/gpu-kit

gpu-kit: kit-binaries kit-shards ## tests and measurements for a machine with a GPU, under 60 MiB: copy build/gpu-kit there, run gpu-kit.sh
	gzip -9 -f $(KIT)/train-alexnet $(KIT)/gpu-kit $(KIT)/*.test
	@du -sh $(KIT)

kit-binaries:
	rm -rf $(KIT) && mkdir -p $(KIT)/testdata
	cp tools/gpu-kit/gpu-kit.sh tools/bench/peers/train_torch_gpu.py tools/bench/peers/imagenette_torch.py $(KIT)/
	cp engine/testdata/*.json $(KIT)/testdata/
	CGO_ENABLED=0 $(GO) build $(TAGS) -trimpath -ldflags '-s -w' -o $(KIT)/ ./tools/gpu-kit ./tools/train-alexnet
	for package in ./engine/cuda ./engine/cuda/internal/nvidia ./engine/vulkan ./engine/enginetest; do \
		CGO_ENABLED=0 $(GO) test $(TAGS) -c -trimpath -ldflags '-s -w' -o $(KIT)/ $$package || exit 1; done

# 200 lossless pictures are 19 MB; without pictures, the kit leaves out the parts that need them.
kit-shards: kit-binaries build
	@if ! test -d $(DATA)/train; then echo "no pictures in $(DATA): the kit has no shards"; exit 0; fi && \
	$(OUT)/prep-imagenet shard --in $(DATA)/train --out $(KIT)/shards/train --limit 200 --json >/dev/null && \
	$(OUT)/prep-imagenet shard --in $(DATA)/val --out $(KIT)/shards/val --split val --limit 50 --json >/dev/null && \
	$(OUT)/compute-pca --shards $(KIT)/shards/train --out $(KIT)/shards/pca.json --json >/dev/null

gpu-rehearsal: ## the GPU kit on an emulated GPU: shows that its parts run and that it ends in time
	$(MAKE) kit-binaries kit-shards TAGS='-tags emulated' KIT=$(OUT)/gpu-rehearsal
	$(OUT)/gpu-rehearsal/gpu-kit.sh -rehearse -again -out $(OUT)/gpu-rehearsal/report $(KITARGS)

# FUZZ is how many inputs each target gets; the parsers of every format are fuzzed.
FUZZ ?= 2000x

fuzz: ## runs every fuzz target FUZZ times
	@for package in $$($(GO) list ./pipeline/... ./engine/...); do \
		for target in $$($(GO) test $$package -list '^Fuzz' | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			$(GO) test $$package -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) -fuzzminimizetime 20x || exit 1; \
		done; \
	done

demo: build ## trains alexnet-mini on a synthetic set, and makes its report, in build/demo
	$(GO) run ./tools/demo -bin $(OUT) -out $(DEMO)

bench: build ## our kernels, loader and codecs
	$(GO) test -run '^$$' -bench . -benchtime 1s ./augment ./pipeline/... ./engine/...

clean:
	rm -rf $(OUT)
