# What the scripts share: finding a Python, and a virtual environment that matches its lock.
# Read by `. script/lib.sh` from the repository's root.

say() {
    printf '%s\n' "$*" >&2
}

# Prints the path of a Python that is new enough.
find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    say "Python 3.11 or later is needed, and none was found."
    say "Debian and Ubuntu: apt-get install python3 python3-venv"
    return 1
}

# setting NAME: a variable of the environment, else of the file .env.
setting() {
    eval "value=\${$1-}"
    if [ -z "$value" ] && [ -f .env ]; then
        value=$(sed -n "s/^[[:space:]]*\(export[[:space:]]\{1,\}\)\{0,1\}$1=//p" .env | tail -n 1)
        value=${value#[\"\']}
        value=${value%[\"\']}
    fi
    printf '%s\n' "$value"
}

# digest FILE...: one line that changes when any of the files does.
digest() {
    cat "$@" | "$python" -c 'import hashlib, sys
print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'
}

# install_locked FOLDER LOCK PYTHON: makes the virtual environment FOLDER hold what LOCK says.
# Does nothing when it already does, which its file installed-LOCK remembers.
install_locked() {
    venv=$1 lock=$2 python=$3
    stamp="$venv/installed-$lock"
    wanted="$(digest "$lock") $("$python" -V)"
    if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return 0
    fi
    # A virtual environment of another Python is laid out anew.
    if [ "$("$venv/bin/python" -V 2>/dev/null)" != "$("$python" -V)" ]; then
        rm -rf "$venv"
        say "Making $venv ..."
        if ! "$python" -m venv "$venv" >&2; then
            rm -rf "$venv"
            say "Python's venv is missing. Debian and Ubuntu: apt-get install python3-venv"
            return 1
        fi
    fi
    rm -f "$stamp"
    say "Installing $lock into $venv (once, and again when the lock changes) ..."
    # Everything comes as a wheel; only the driver for MySQL must be built here.
    install_hashed "$venv" "$lock" || {
        say "The installation failed; the lines above say why."
        case $lock in
            requirements.txt)
                say "The driver for MySQL and MariaDB wants a compiler and the client's headers:"
                say "Debian and Ubuntu: apt-get install gcc python3-dev pkg-config default-libmysqlclient-dev"
                say "macOS:             brew install mysql-client pkgconf"
                ;;
        esac
        return 1
    }
    printf '%s\n' "$wanted" >"$stamp"
}

# uv does the same as pip, sooner; it is used where it is, and never asked for.
install_hashed() {
    if command -v uv >/dev/null 2>&1; then
        uv pip install --quiet --python "$1/bin/python" --require-hashes \
            --only-binary :all: --no-binary mysqlclient -r "$2"
    else
        "$1/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --no-input \
            --require-hashes --only-binary :all: --no-binary mysqlclient -r "$2"
    fi
}
