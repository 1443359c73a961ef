#!/bin/sh
# Puts gvmpy into a virtual environment of its own, a front in sh before it, and links one command to that. Run
# it again to upgrade. --help says which files that concerns.

# -ef is in every shell this runs on, and in POSIX since 2024:
# shellcheck disable=SC3013

set -eu

usage() {
  cat <<'END'
usage: install.sh [--go VERSION] [--python PATH] [--prefix DIR]

Installs gvmpy from the checkout this file lies in; what it needs besides comes through pip.

  --go VERSION    afterwards install this Go, make it the default, and run it once through the shim
  --python PATH   the Python to build on, 3.11 or newer; without it, the first such on PATH
  --prefix DIR    link the command into DIR/bin; without it, into ~/.local/bin
  --help          show this

It writes ${XDG_DATA_HOME:-~/.local/share}/gvmpy and the one link, nothing else: there, venv holds the program, and
bin/gvmpy, which the link leads to, answers the quick questions in sh and starts the program for all others. --go
also writes gvmpy's root, ${GVMPY_ROOT:-~/.gvmpy}, and its cache, ${XDG_CACHE_HOME:-~/.cache}/gvmpy. To remove
gvmpy, remove these.
END
}

say() {
  printf '%s\n' "$*" >&2
}

# fail MESSAGE [HINT]
fail() {
  printf 'error: %s\n' "$1" >&2
  [ -z "${2-}" ] || printf 'hint: %s\n' "$2" >&2
  exit 2
}

read_options() {
  go='' python='' prefix=''
  while [ "$#" -gt 0 ]; do
    case $1 in
    --help | -h)
      usage
      exit 0
      ;;
    --go | --python | --prefix)
      [ -n "${2-}" ] || fail "\`$1\` wants a value" 'install.sh --help'
      set_option "${1#--}" "$2"
      shift
      ;;
    --go=?* | --python=?* | --prefix=?*)
      option=${1%%=*}
      set_option "${option#--}" "${1#*=}"
      ;;
    *) fail "unknown argument \`$1\`" 'install.sh --help' ;;
    esac
    shift
  done
}

set_option() {
  case $1 in
  go) go=$2 ;;
  python) python=$2 ;;
  prefix) prefix=$2 ;;
  esac
}

choose_places() {
  [ -n "${HOME-}" ] || fail 'HOME is not set, so there is no place to install to'
  data=${XDG_DATA_HOME:-$HOME/.local/share}/gvmpy
  prefix=${prefix:-$HOME/.local}
  # The link has to hold from every directory.
  case $data in /*) ;; *) data=$PWD/$data ;; esac
  case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
  venv=$data/venv
  program=$venv/bin/gvmpy
  front=$data/bin/gvmpy
  link=$prefix/bin/gvmpy
}

is_new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
  if [ -n "$python" ]; then
    command -v "$python" >/dev/null 2>&1 || fail "there is no program \`$python\`"
    is_new_enough "$python" || fail "\`$python\` is not Python 3.11 or newer"
  else
    for python in python3 python3.14 python3.13 python3.12 python3.11 ''; do
      if is_new_enough "$python"; then break; fi
    done
    [ -n "$python" ] || fail 'no Python 3.11 or newer is on PATH' "$(package_hint 'python3 python3-venv')"
  fi
  "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
    fail "\`$python\` cannot make virtual environments: venv or ensurepip is missing" "$(package_hint "$(
      "$python" -c 'import sys; print("python3-venv", "python%d.%d-venv" % sys.version_info[:2])'
    )")"
}

package_hint() {
  if [ "$(id -u)" = 0 ]; then
    printf 'apt install %s, or what your system calls it' "$1"
  else
    printf 'sudo apt install %s, or what your system calls it' "$1"
  fi
}

# The checkout around this file. There is no fall-back to a name on a package index, which anybody could take.
find_source() {
  case $0 in
  */*) here=${0%/*} ;;
  *) here=. ;;
  esac
  grep -q '^name = "gvmpy"$' "$here/../pyproject.toml" 2>/dev/null ||
    fail 'this is not run from a checkout of gvmpy' 'sh path/to/gvmpy/shell/install.sh'
  source=$(CDPATH='' cd -- "$here/.." && pwd -P)
}

is_link_to() {
  [ -L "$link" ] && [ "$(readlink "$link")" = "$1" ]
}

# A command of this name that is not ours stays as it is. Earlier installers linked to the program itself.
check_command() {
  if is_link_to "$front" || is_link_to "$program"; then return; fi
  if [ -e "$link" ] || [ -L "$link" ]; then
    fail "\`$link\` is there already and was not made by this installer" 'remove it, or choose another --prefix'
  fi
}

# Settings of pip and Python that would send the installation somewhere else.
clean_environment() {
  unset PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER PIP_EDITABLE PIP_DRY_RUN
  PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
  export PIP_DISABLE_PIP_VERSION_CHECK PIP_NO_INPUT
}

is_healthy() {
  [ -x "$1/bin/gvmpy" ] && is_new_enough "$1/bin/python" &&
    "$1/bin/python" -m pip --version >/dev/null 2>&1
}

# pip replaces a package only once all parts of the new one are there.
fill_environment() {
  "$1/bin/python" -m pip install --quiet --no-user --upgrade "$source" >&2 ||
    fail "pip could not install $source"
  "$1/bin/gvmpy" --version >/dev/null || fail 'the installed gvmpy does not start'
}

# The environment is called after this process and the time, and `venv` is a link to it: console scripts hold
# the absolute path they were made for, so an environment cannot be built elsewhere and renamed.
build_environment() {
  say "making a virtual environment in $data"
  incoming=$data/venv-$$.$(date +%s)
  mkdir -p "$data"
  trap 'rm -rf "$incoming"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' HUP TERM
  "$python" -m venv "$incoming" >&2 || fail 'the virtual environment could not be made' "$(package_hint python3-venv)"
  fill_environment "$incoming"
  swap_environment
  trap - EXIT INT HUP TERM
}

# Renaming a link over a link leaves no moment without one; a directory has to step aside first.
swap_environment() {
  previous=''
  if [ -d "$venv" ] && [ ! -L "$venv" ]; then
    mv "$venv" "$incoming.previous"
    previous=$incoming.previous
  elif [ -L "$venv" ]; then
    previous=$data/$(readlink "$venv")
  fi
  ln -s "${incoming##*/}" "$incoming.link"
  "$python" -c 'import os, sys; os.replace(sys.argv[1], sys.argv[2])' "$incoming.link" "$venv"
  case $previous in
  "$data"/venv-*) rm -rf "$previous" ;;
  esac
}

# What an interrupted run left: environments nothing points to, of processes that are gone.
sweep() {
  for left in "$data"/venv-[0-9]*; do
    [ -d "$left" ] || continue
    process=${left##*/venv-}
    if [ "$left" -ef "$venv" ] || kill -0 "${process%%.*}" 2>/dev/null; then
      continue
    fi
    rm -rf "$left"
  done
}

# Also where its text stays the same: a front that is older than the program leaves all answers to it.
write_front() {
  mkdir -p "$data/bin"
  call_gvmpy shells.shims write_front "$front" "$program" || fail "\`$front\` could not be written"
}

link_command() {
  mkdir -p "$prefix/bin"
  if is_link_to "$program"; then
    call_gvmpy files replace_link "$link" "$front" || fail "\`$link\` could not be replaced"
  elif ! is_link_to "$front"; then
    ln -s "$front" "$link"
  fi
}

# call_gvmpy MODULE FUNCTION PATH TEXT: call one of the installed package; -I keeps the current directory out.
call_gvmpy() {
  "$venv/bin/python" -I - "$@" <<'END'
import importlib, pathlib, sys

module, function, path, text = sys.argv[1:]
try:
    getattr(importlib.import_module("gvmpy." + module), function)(pathlib.Path(path), text)
except Exception as error:
    sys.exit(str(error))
END
}

# Print how to write the command in an rc file: by name where PATH has it, else quoted in full.
spell_command() {
  case :${PATH-}: in
  *:"$prefix/bin":*) printf 'gvmpy' ;;
  *) "$venv/bin/python" -c 'import shlex, sys; print(shlex.quote(sys.argv[1]))' "$link" ;;
  esac
}

show_next_step() {
  spelled=$(spell_command)
  say "gvmpy is installed: $link"
  if [ "$spelled" != gvmpy ]; then
    say "note: $prefix/bin is not on PATH, so the full path is used below"
  fi
  say 'the line for ~/.bashrc or ~/.zshrc, which also works at once in this shell:'
  printf "eval \"\$(%s init -)\"\n" "$spelled"
}

# Install a Go and have it answer through the shim; this process's own choice and directory stay out of it.
try_go() {
  unset GVMPY_VERSION
  "$link" use "$go" --default --install
  show_next_step
  eval "$("$link" init -)"
  cd /
  shim=$(command -v go) || fail "no \`go\` is on PATH after \`gvmpy init -\`"
  [ "$shim" -ef "${GVMPY_ROOT:-$HOME/.gvmpy}/shims/go" ] || fail "\`go\` is $shim and not the shim"
  printf '%s\n' "$shim"
  go version
}

main() {
  read_options "$@"
  choose_places
  find_python
  find_source
  check_command
  clean_environment
  sweep
  if is_healthy "$venv"; then
    say "upgrading gvmpy in $venv"
    fill_environment "$venv"
  else
    build_environment
  fi
  write_front
  link_command
  if [ -n "$go" ]; then try_go; else show_next_step; fi
}

main "$@"
