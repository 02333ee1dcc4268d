# shellcheck shell=bash
# Makes the virtual environment .venv of this checkout ready; sourced by the other scripts, which then use "$ROOT/.venv/bin".
#
# `set_up` does its work once: a stamp inside .venv names everything the environment was made from. The stamp goes
# before the work begins and comes back when all of it is done, so an interrupted set-up is simply done again.

set -euo pipefail

ROOT="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)"
VENV="$ROOT/.venv"
STAMP="$VENV/raysweeps-set-up"
# What `requires-python` of pyproject.toml says, as minor versions of Python 3 that this script looks for.
OLDEST_MINOR=11
NEWEST_MINOR=13

say() { printf '==> %s\n' "$*" >&2; }

# Runs, and is a Python that the project supports (a pyenv shim without a version is found, and does not run).
supported_python() {
    "$1" -c "import sys; sys.exit(not (3, $OLDEST_MINOR) <= sys.version_info[:2] <= (3, $NEWEST_MINOR))" \
        >/dev/null 2>&1
}

find_python() {
    local minor
    for ((minor = NEWEST_MINOR; minor >= OLDEST_MINOR; minor--)); do
        if supported_python "python3.$minor"; then
            printf 'python3.%s\n' "$minor"
            return
        fi
    done
    supported_python python3 && printf 'python3\n'
}

# A folder moved or copied to another place has to be set up again: the scripts inside .venv name its path.
wanted_stamp() {
    local version
    version="$(grep -E '^version(_info)? *=' "$VENV/pyvenv.cfg" 2>/dev/null || true)"
    {
        printf '%s\n%s\n' "$ROOT" "$version"
        cat -- "$ROOT/pyproject.toml" "$ROOT/constraints.txt" "$ROOT/scripts/_setup.sh"
    } | sha256sum
}

is_set_up() { [[ -x "$VENV/bin/python" && -f "$STAMP" && "$(<"$STAMP")" == "$(wanted_stamp)" ]]; }

# uv counts when it runs and is not older than what is asked of it below.
has_uv() { command -v uv >/dev/null && [[ "$(uv venv --help 2>/dev/null)" == *--clear* ]]; }

has_pip() { "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || "$VENV/bin/python" -m ensurepip >/dev/null 2>&1; }

make_environment_with_uv() {
    say "Making .venv with uv."
    uv venv --quiet --no-project --clear --python ">=3.$OLDEST_MINOR,<3.$((NEWEST_MINOR + 1))" "$VENV"
}

make_environment_with_pip() {
    local python found
    if ! python="$(find_python)"; then
        found="$(python3 --version 2>/dev/null || printf 'not there, or not working')"
        say "raysweeps needs Python 3.$OLDEST_MINOR to 3.$NEWEST_MINOR. None was found: python3.$NEWEST_MINOR down to" \
            "python3.$OLDEST_MINOR do not run, and python3 is: $found." \
            "Install one of them, or uv, which brings its own; then call this script again."
        return 1
    fi
    say "Making .venv with $python (uv was not found)."
    if ! "$python" -m venv --clear "$VENV"; then
        say "$python cannot make a virtual environment. On Debian and Ubuntu the package python3-venv is missing;" \
            "install it, or install uv; then call this script again."
        return 1
    fi
}

install_with_uv() {
    say "Installing raysweeps and what it needs: about 6 GB with CUDA's libraries, once; minutes, as the network goes."
    # Without bytecode every process that imports torch would compile it again, for seconds.
    uv pip install --python "$VENV/bin/python" --compile-bytecode -c constraints.txt -e '.[cluster]' --group dev
}

install_with_pip() {
    # Dependency groups need pip 25.1; releases before 26.2.2 trust a certificate authority that was compromised.
    say "Updating pip inside .venv."
    PIP_USER=0 "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=26.2.2'
    say "Installing raysweeps and what it needs: about 6 GB with CUDA's libraries, once; minutes, as the network goes."
    PIP_USER=0 "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile \
        -c constraints.txt -e '.[cluster]' --group dev
    say "Compiling bytecode: about a minute, once; every trial process starts seconds sooner."
    # A few packages ship templates that are no valid Python; compileall reports them by its exit status.
    "$VENV/bin/python" -m compileall -qq -j 0 "$VENV/lib" || true
}

say_if_failed() {
    if (($1 != 0)); then
        say "The set-up failed (exit $1). Once the cause is gone, call this again; it goes on from what is there."
    fi
}

set_up_locked() {
    cd -- "$ROOT"
    if is_set_up; then # by the other call that held the lock
        return
    fi
    trap 'say_if_failed $?' EXIT
    local started=$SECONDS tool=pip
    if has_uv; then
        tool=uv
    fi
    rm -f -- "$STAMP"
    if ! supported_python "$VENV/bin/python" || ! "has_$tool"; then
        "make_environment_with_$tool"
    fi
    "install_with_$tool"
    "$VENV/bin/python" -m compileall -qq experiments search_spaces trainables || true
    wanted_stamp >"$STAMP.new"
    mv -- "$STAMP.new" "$STAMP"
    say "Ready after $((SECONDS - started)) s."
}

set_up() {
    if is_set_up; then
        return
    fi
    # One set-up at a time. The lock is released with the file, also when this process is killed.
    exec 9>"$ROOT/.venv.lock"
    if ! flock -n 9; then
        say "Another set-up of this checkout is running; waiting for it."
        flock 9
    fi
    (set_up_locked)
    exec 9>&-
}
