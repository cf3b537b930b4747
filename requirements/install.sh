#!/bin/sh
# Makes .venv: picks the stack for this machine, finds its Python, installs exactly what requirements/STACK.txt pins.
#   requirements/install.sh [compatible|current]
# Without an argument the stack is the one .venv has, else the newest this machine can run. Where .venv is right already,
# nothing is done. Everything it writes is in .venv and .uv (and uv's cache).
set -eu
# Physically: a checkout that is reached by a link is the same one, whose .venv may be in use.
CDPATH= cd -P "$(dirname "$0")/.."
stamp=.venv/easel-stamp

say() { echo "make env: $*" >&2; }
refuse() { say "$@"; exit 1; }

at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# Prints the path of the first CPython of the versions given (3.13:3.12). Looks at every folder of PATH, because pyenv puts
# commands there that only say that they are not to be used here, and at pyenv's own versions.
find_python() (
    IFS=:
    for version in $1; do
        for folder in $PATH "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin "$PWD"/.uv/python/cpython-"$version".*/bin; do
            for candidate in "$folder/python$version" "$folder/python3"; do
                [ -x "$candidate" ] && "$candidate" -c "
import platform, sys
if sys.version_info[:2] != tuple(map(int, '$version'.split('.'))) or platform.python_implementation() != 'CPython':
    sys.exit(1)
print(sys.executable)" 2>/dev/null && return
            done
        done
    done
    return 1
)

# What the environment depends on; a change of any of it installs again.
digest() { cat requirements/install.sh "requirements/$1.txt" pyproject.toml serving/pyproject.toml | sha256sum | cut -c -64; }

# 1. The machine: TFX and TensorFlow's data validation have packages for glibc on x86-64 only.
machine="$(uname -s) on $(uname -m)"
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed -n 's/^glibc //p')
if [ "$machine" != "Linux on x86_64" ] || [ -z "$glibc" ]; then
    refuse "TFX has no packages for this machine ($machine${glibc:+, glibc $glibc}): use the Dockerfile," \
        "docker build --platform linux/amd64 -t easel ."
fi

# 2. The stack.
stack=${1:-}
if [ -z "$stack" ] && [ -s "$stamp" ] && [ "$(sed -n 1p "$stamp")" = "$PWD" ]; then
    stack=$(sed -n 2p "$stamp")
fi
if [ -z "$stack" ]; then
    stack=compatible
    if at_least 2.39 "$glibc" && { find_python 3.13:3.12:3.11 || ! find_python 3.10; } >/dev/null; then
        stack=current
    fi
fi
case $stack in
    compatible) versions=3.10 newest=3.10 ;;
    current)
        versions=3.13:3.12:3.11 newest=3.13
        at_least 2.39 "$glibc" || refuse "the current stack needs glibc 2.39 or newer, this machine has $glibc: use STACK=compatible"
        ;;
    *) refuse "STACK=$stack is neither compatible nor current" ;;
esac

# 3. Is it there already? One install at a time: a second waits and then finds it done.
mkdir -p .uv
exec 9>.uv/lock
if command -v flock >/dev/null; then flock 9; fi
state=$(printf '%s\n' "$PWD" "$stack" "$(digest "$stack")")
if [ "$(cat "$stamp" 2>/dev/null)" = "$state" ] && .venv/bin/python -c '' 2>/dev/null; then exit 0; fi

# 4. uv and the stack's Python.
python=$(find_python "$versions") || python=
if command -v uv >/dev/null && uv pip install --help 2>/dev/null | grep -q build-constraint; then
    uv=uv
else
    uv=.uv/bin/uv
    if ! $uv --version >/dev/null 2>&1; then
        seed=${python:-$(command -v python3)} || refuse "needs a Python 3 to start from: install python3 and python3-venv"
        say "fetching uv into .uv"
        "$seed" -m venv .uv >/dev/null || refuse "$seed has no venv module: install it first (Debian, Ubuntu: apt install python3-venv)"
        .uv/bin/pip --disable-pip-version-check install --quiet --require-hashes -r requirements/uv.txt \
            || refuse "uv could not be installed (the reason is above)"
    fi
fi
export UV_PYTHON_INSTALL_DIR="$PWD/.uv/python"
if [ -z "$python" ]; then
    say "no Python $newest on this machine, fetching one into .uv"
    if ! $uv python install --quiet "$newest" 2>/dev/null || ! python=$(find_python "$versions"); then
        refuse "the $stack stack needs Python $newest, which is neither here nor to be fetched: install it" \
            "(pyenv install $newest; or your system's python$newest and python$newest-dev) and run make again"
    fi
fi
if [ "$stack" = compatible ]; then
    # pyfarmhash has no package for Python 3.10 and is compiled.
    command -v "${CXX:-c++}" >/dev/null || command -v g++ >/dev/null \
        || refuse "Python 3.10 needs a C++ compiler once, for pyfarmhash: install it first (Debian, Ubuntu: apt install g++)"
    "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' \
        || refuse "$python has no header files, which pyfarmhash is compiled with: install them first" \
            "(Debian, Ubuntu: apt install python3.10-dev)"
fi

# 5. The environment. Ours for this place and stack is brought up to date; ours for another, or half made, is made anew; one
# that somebody else made is put aside.
if [ "$(head -n 2 "$stamp" 2>/dev/null)" != "$(printf '%s\n' "$state" | head -n 2)" ] || ! .venv/bin/python -c '' 2>/dev/null; then
    if [ -e "$stamp" ]; then
        rm -rf .venv
    elif [ -e .venv ] || [ -L .venv ]; then
        aside=.uv/venv-$(date +%Y%m%d-%H%M%S)
        mv .venv "$aside"
        say ".venv was not made here and is now $aside; delete it when you do not need it"
    fi
    $uv venv --quiet --no-project --python "$python" .venv
fi
version=$(.venv/bin/python -c 'import platform; print(platform.python_version())')
say "installing the $stack stack on Python $version into .venv (some minutes, 4 GB)"
echo unfinished >"$stamp"
quiet=--quiet
if [ -t 2 ]; then quiet=; fi
# Without resolving anything: the pinned set is whole. Packages that have to be built are built with the pinned setuptools.
$uv pip install $quiet --python .venv/bin/python --no-deps --require-hashes --compile-bytecode \
    --build-constraints "requirements/$stack.txt" -r "requirements/$stack.txt" \
    || refuse "the packages could not be installed (the reason is above)"
$uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --reinstall -e . -e serving
printf '%s\n' "$state" >"$stamp"
