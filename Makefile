# The old spellings. Everything is done by Invoke (`inv --list`) and Nox (`nox -l`); nothing is built here.
# PYTHON, INV and NOX may name others: make INV="uvx invoke" sync

PYTHON ?= python3
INV ?= "$(PYTHON)" -m invoke
NOX ?= "$(PYTHON)" -m nox
TARGET ?= $(shell "$(PYTHON)" -c 'from tools.matrix import host_target; print(host_target())')

VENDOR := apply-patches status continue abort create-patches sync check clean
GPU := ggml_cuda.so ggml_hipblas.so ggml_cuda.dll ggml_hipblas.dll

.NOTPARALLEL:
.PHONY: all core help test $(VENDOR) $(GPU)

all:
	$(NOX) -s wheel

core:
	$(NOX) -s "wheel(cpu-$(TARGET))"

test:
	$(NOX) -s test

$(VENDOR):
	$(INV) vendor.$@

ggml_cuda.so: CELL := cuda-linux-x86_64
ggml_hipblas.so: CELL := rocm-linux-x86_64
ggml_cuda.dll: CELL := cuda-windows-x86_64
ggml_hipblas.dll: CELL := rocm-windows-x86_64

$(GPU):
	@echo "$@ is in a wheel of its own, which this builds if this machine can: nox -s \"wheel($(CELL))\""
	$(NOX) -s "wheel($(CELL))"

help:
	@echo "make                 all wheels that can be built here, which takes hours   nox -s wheel"
	@echo "make core            the core wheel of this machine   nox -s \"wheel(cpu-$(TARGET))\""
	@echo "make test            all that can be checked here     nox -s test"
	@for name in $(VENDOR); do printf 'make %-15s llama.cpp and our patches        inv vendor.%s\n' $$name $$name; done
	@for name in $(GPU); do printf 'make %-15s a wheel with that GPU library    nox -l\n' $$name; done
	@echo "More: nox -l, inv --list, CONTRIBUTING.md"
