# What a developer types; CI runs `make check`.
GO      ?= go
OUT     ?= build
DEMO    ?= $(OUT)/demo
COMMANDS = prep-imagenet compute-pca train-alexnet

.PHONY: build test check check-arm64 fuzz demo bench clean

build: ## the three commands, in build/
	CGO_ENABLED=0 $(GO) build -trimpath -o $(OUT)/ $(addprefix ./tools/,$(COMMANDS))

test: ## every test that a bare machine with Go can run
	$(GO) test ./...

check: ## test, and what keeps the house in order
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt would change:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) build -tags noasm ./...
	$(GO) run ./tools/check-imports
	$(GO) mod tidy -diff
	$(GO) test ./...
	$(GO) test -tags noasm -short ./engine/... ./pipeline/baseline/... ./pipeline/codec/... ./pipeline/resample/... ./augment/...
	# Allocations aren't counted here: the race detector makes sync.Pool forget.
	CGO_ENABLED=1 $(GO) test -race -short -skip Alloc ./pipeline/... ./engine/... ./augment/... ./tools/internal/... ./tools/train-alexnet/dashboard
	$(MAKE) fuzz FUZZ=500x

check-arm64: ## the engine on arm64, under Debian's qemu-user: some ten minutes
	GOARCH=arm64 CGO_ENABLED=0 $(GO) test -exec qemu-aarch64 -short -timeout 30m ./engine/cpu/... ./engine/enginetest

# FUZZ is how many inputs each target gets; the parsers of every format are fuzzed.
FUZZ ?= 2000x

fuzz: ## every fuzz target for a fixed count
	@for package in $$($(GO) list ./pipeline/... ./engine/...); do \
		for target in $$($(GO) test $$package -list '^Fuzz' | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			$(GO) test $$package -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) -fuzzminimizetime 20x || exit 1; \
		done; \
	done

demo: build ## a practice set to a trained alexnet-mini and its report, in build/demo
	OUT=$(DEMO) BIN=$(OUT) sh tools/demo.sh

bench: build ## our kernels, loader and codecs
	$(GO) test -run '^$$' -bench . -benchtime 1s ./augment ./pipeline/... ./engine/...

clean:
	rm -rf $(OUT)
