# What a developer types; CI runs `make check`.
GO      ?= go
OUT     ?= build
DEMO    ?= $(OUT)/demo
COMMANDS = prep-imagenet compute-pca train-alexnet

.PHONY: build test check demo bench clean

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
	$(GO) test -tags noasm -short ./engine/... ./pipeline/codec/... ./pipeline/resample/... ./augment/...
	CGO_ENABLED=1 $(GO) test -race -short ./pipeline/... ./engine/... ./augment/...

demo: build ## a practice set to a trained alexnet-mini and its report, in build/demo
	OUT=$(DEMO) BIN=$(OUT) sh tools/demo.sh

bench: build ## our kernels, loader and codecs
	$(GO) test -run '^$$' -bench . -benchtime 1s ./augment ./pipeline/... ./engine/...

clean:
	rm -rf $(OUT)
