# gvmpy's part of a shell: its shims first on PATH, and `gvmpy use` for this shell alone.
# One text for sh, bash, zsh, dash, ksh; sourcing it again changes nothing. It starts no process.
#
# Backslashes before builtins keep the user's aliases out. The two marks are replaced by quoted words, so they
# stand outside of quotes. shell/init.fish says the same in fish.
# shellcheck shell=sh

# Take every older entry out of PATH and put one in front: a login shell may have sorted PATH anew.
_gvmpy_shims=__GVMPY_ROOT__/shims
_gvmpy_rest=${PATH:+$PATH:}
PATH=$_gvmpy_shims
while [ -n "$_gvmpy_rest" ]; do
  _gvmpy_entry=${_gvmpy_rest%%:*}
  _gvmpy_rest=${_gvmpy_rest#*:}
  [ "${_gvmpy_entry%/}" = "$_gvmpy_shims" ] || PATH=$PATH:$_gvmpy_entry
done
\export PATH
\unset _gvmpy_shims _gvmpy_rest _gvmpy_entry
\hash -r 2>/dev/null || :

# mksh has no builtin printf.
# shellcheck disable=SC3037
_gvmpy_say() {
  case ${KSH_VERSION-} in
  *MIRBSD*) \print -r -- "$1" >&2 ;;
  *) \printf '%s\n' "$1" >&2 ;;
  esac
}

# A GOROOT left from elsewhere makes every other toolchain fail in odd ways.
if [ -n "${GOROOT+set}" ]; then
  if [ -t 2 ]; then
    _gvmpy_say "gvmpy: GOROOT was set to $GOROOT; unset in this shell, each Go finds its own"
  fi
  \unset GOROOT
fi

# The front in the shims answers many calls without Python; then the program where it was, or wherever it is.
_gvmpy_program() {
  if [ -x __GVMPY_ROOT__/shims/gvmpy ]; then
    __GVMPY_ROOT__/shims/gvmpy "$@"
  elif [ -x __GVMPY_PROGRAM__ ]; then
    __GVMPY_PROGRAM__ "$@"
  else
    \command gvmpy "$@"
  fi
}

# The settings of a profile, where one is in use: they may have changed since.
_gvmpy_settings() {
  if [ -r __GVMPY_ROOT__/shell/profile.sh ]; then
    # shellcheck source=/dev/null
    \. __GVMPY_ROOT__/shell/profile.sh
  fi
}

# The program in a process of its own, told that its answer will be exported here.
_gvmpy_ask() {
  GVMPY_SHELL_FUNCTION=1
  \export GVMPY_SHELL_FUNCTION
  _gvmpy_program "$@"
}

# What may change the settings: the program is told that they are read again here, and they are. The
# parentheses keep what it is told out of this shell.
_gvmpy_change() {
  (
    _GVMPY_READS_AGAIN=1
    \export _GVMPY_READS_AGAIN
    _gvmpy_program "$@"
  ) || \return
  _gvmpy_settings
}

# _gvmpy_choose VERSION: make it this shell's choice, none when empty, and remember the one before.
_gvmpy_choose() {
  _gvmpy_previous=${GVMPY_VERSION-}
  if [ -n "$1" ]; then
    GVMPY_VERSION=$1
    \export GVMPY_VERSION
  else
    \unset GVMPY_VERSION
  fi
}

# Whether this is 0, or up to four digits of which the first is not 0. Ranges would ask the locale.
_gvmpy_is_number() {
  case $1 in
  0) ;;
  '' | 0* | *[!0123456789]* | ?????*) \return 1 ;;
  esac
}

# Whether this is the name of one release, as its directory has it: up to 1.20 the first of a line has no .0.
_gvmpy_is_release() {
  case $1 in
  *.*) \set -- "${1%%.*}" "${1#*.}" ;;
  *) \return 1 ;;
  esac
  case $2 in
  *.*) \set -- "$1" "${2%%.*}" "${2#*.}" patch ;;
  *alpha*) \set -- "$1" "${2%%alpha*}" "${2#*alpha}" alpha ;;
  *beta*) \set -- "$1" "${2%%beta*}" "${2#*beta}" beta ;;
  *rc*) \set -- "$1" "${2%%rc*}" "${2#*rc}" rc ;;
  *) \return 1 ;;
  esac
  _gvmpy_is_number "$1" && _gvmpy_is_number "$2" && _gvmpy_is_number "$3" || \return 1
  [ "$3,$4" != 0,patch ] || [ "$2" -ge 21 ]
}

# Whether nothing lies in the directory $1. False as well where this shell's own settings keep it from looking.
_gvmpy_is_empty() {
  [ -e "$1" ] || \return 0
  [ -r "$1" ] && [ -x "$1" ] && [ -z "${GLOBIGNORE-}${FIGNORE-}" ] || \return 1
  # Whatever zsh's options are, an unmatched pattern is to stay as it is.
  [ -z "${ZSH_VERSION-}" ] || \emulate -L sh
  # shellcheck disable=SC3044
  if [ -n "${BASH_VERSION-}" ] && \shopt -q failglob; then
    \return 1
  fi
  case $- in
  *f*) \return 1 ;;
  esac
  \set -- "$1"/* "$1"/.[!.]* "$1"/..?*
  while [ "$#" -gt 0 ]; do
    if [ -e "$1" ] || [ -L "$1" ]; then
      \return 1
    fi
    \shift
  done
}

# Whether no hook wants to know what this shell chooses.
_gvmpy_is_unwatched() {
  _gvmpy_is_empty __GVMPY_ROOT__/hooks/pre-switch.d && _gvmpy_is_empty __GVMPY_ROOT__/hooks/post-switch.d
}

# Whether go$1 can be chosen without asking the program: exact, and installed.
_gvmpy_is_plain() {
  _gvmpy_is_release "$1" &&
    [ -f __GVMPY_ROOT__/receipts/"go$1.json" ] &&
    [ -x __GVMPY_ROOT__/versions/"go$1"/bin/go ]
}

_gvmpy_use() {
  case $#,$2 in
  2,-)
    if [ -z "${_gvmpy_previous+set}" ]; then
      _gvmpy_say 'gvmpy: this shell has made no choice yet'
      _gvmpy_say 'hint: gvmpy use VERSION'
      \return 2
    fi
    if _gvmpy_is_unwatched; then
      _gvmpy_choose "$_gvmpy_previous"
    else
      _gvmpy_let_choose use "${_gvmpy_previous:---unset}" || \return
    fi
    _gvmpy_say "gvmpy: this shell uses ${GVMPY_VERSION:-what the directory or the default says}"
    \return 0
    ;;
  2,--unset)
    if _gvmpy_is_unwatched; then
      _gvmpy_choose ''
      \return 0
    fi
    ;;
  2,*)
    if _gvmpy_is_plain "${2#go}" && _gvmpy_is_unwatched; then
      _gvmpy_choose "${2#go}"
      \return 0
    fi
    ;;
  esac
  _gvmpy_let_choose "$@"
}

# _gvmpy_let_choose use ARGUMENT...: choose what the program answers, after it has asked the hooks.
_gvmpy_let_choose() {
  _gvmpy_answer=$(_gvmpy_ask "$@") || {
    set -- "$?"
    \unset _gvmpy_answer
    \return "$1"
  }
  set -- "$_gvmpy_answer"
  \unset _gvmpy_answer
  case $1 in
  system) ;;
  none) \set -- '' ;;
  '' | [!0-9]* | *[!0-9a-z.]*)
    _gvmpy_say 'gvmpy: the program did not answer with a version; nothing was changed'
    \return 2
    ;;
  esac
  _gvmpy_choose "$1"
}

_gvmpy_main() {
  if [ "${1-}" = profile ]; then
    _gvmpy_change "$@"
    \return
  fi
  if [ "${1-}" != use ] || [ "$#" -lt 2 ]; then
    _gvmpy_program "$@"
    \return
  fi
  for _gvmpy_argument in "$@"; do
    case $_gvmpy_argument in
    --default | -d | --help | -h | --json)
      \unset _gvmpy_argument
      _gvmpy_change "$@"
      \return
      ;;
    esac
  done
  \unset _gvmpy_argument
  _gvmpy_use "$@"
}

# An alias of this name would be expanded in the definition, and hide the function afterwards. zsh reads all
# of this text before it runs any, so the definition is read later.
\unalias gvmpy 2>/dev/null || :
\eval 'gvmpy() { _gvmpy_main "$@"; }'

_gvmpy_settings
