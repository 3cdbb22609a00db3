# What a contributor does. `make help` lists it.
MAKEFLAGS += --no-print-directory
ARCH := $(shell dpkg --print-architecture 2>/dev/null || echo amd64)

.PHONY: help
help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Compiles everything; warnings are errors
	dotnet build LoadBalancer.sln --configuration Release --nologo -v quiet

.PHONY: test
test: ## Everything: unit, property, integration in network namespaces
	@build/test.sh

.PHONY: demo
demo: ## Three nodes and a client on this machine, a Service reached, a node lost (KEEP=1 leaves it running)
	@build/demo.sh

.PHONY: bench
bench: ## Time and memory of the answering path, how long others keep it waiting, what a speaker costs while nothing happens (DURATION=30 of each), and many Services
	@build/bench.sh

.PHONY: fuzz
fuzz: ## Mutated frames, ConfigMaps and requests, DURATION=30 of each kind
	@build/fuzz.sh

.PHONY: chaos
chaos: ## SEEDS=1000 simulated lives, the table of faults (FAULTS=3 rounds), failover and restarts in ROUNDS=20 with their figures, then random faults for DURATION=300 (SEED=… repeats a run)
	@build/chaos.sh

.PHONY: lint
lint: ## Formatting and code style
	dotnet format LoadBalancer.sln --verify-no-changes --severity warn --no-restore

.PHONY: publish
publish: ## The programs and kubectl-lb with NativeAOT, into artifacts/publish
	@build/prepare.sh publish
	build/publish.sh all $(ARCH) artifacts/publish

.PHONY: images
images: ## Container images for amd64 and arm64, what is in them and their digests, into artifacts/images (REGISTRY=… in place of localhost, and pushes)
	@build/images.sh

.PHONY: plugin
plugin: ## kubectl-lb for amd64 and arm64, what is in it and the sums, into artifacts/plugin (ARCHS=amd64)
	@build/plugin.sh

.PHONY: manifests
manifests: ## Renders manifests/loadbalancer.yaml and manifests/kubernetes-1.20, and the operator's form of the alert rules
	kubectl kustomize manifests/loadbalancer > manifests/loadbalancer.yaml
	@build/prometheus-rule.sh > manifests/kube-prometheus-stack/rules.yaml
	@build/kubernetes-1.20.sh

.PHONY: picture
picture: ## Draws the pictures of the documents from their sources, light and dark
	for theme in light dark; do \
	  for source in docs/pictures/*.picture; do build/picture.sh $$theme < $$source > $${source%.picture}-$$theme.svg || exit; done; \
	done

.PHONY: clean
clean: ## Removes what the build made
	rm -rf artifacts BenchmarkDotNet.Artifacts
	find . -type d \( -name bin -o -name obj \) -prune -exec rm -rf {} +
