#!/usr/bin/env bash
# Prints .NET's name of this machine's runtime: linux-x64, linux-arm64, linux-musl-x64.
set -eu
libc=''
if ldd --version 2>&1 | grep -qi musl; then libc='musl-'; fi
case $(uname -m) in x86_64) machine=x64 ;; aarch64) machine=arm64 ;; *) machine=$(uname -m) ;; esac
echo "linux-$libc$machine"
