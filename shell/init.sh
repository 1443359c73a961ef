# gvmpy's part of a shell: its shims first on PATH, and `gvmpy use` for this shell alone.
# One text for sh, bash, zsh, dash, ksh; sourcing it again changes nothing. It starts no process.
#
# Backslashes before builtins keep the user's aliases out. The two marks are replaced by quoted words, so they
# stand outside of quotes.
# shellcheck shell=sh

# Take every older entry out of PATH and put one in front: a login shell may have sorted PATH anew.
_gvmpy_shims=__GVMPY_SHIMS__
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

_gvmpy_program() {
  if [ -x __GVMPY_PROGRAM__ ]; then
    __GVMPY_PROGRAM__ "$@"
  else
    \command gvmpy "$@"
  fi
}

# The program in a process of its own, told that its answer will be exported here.
_gvmpy_ask() {
  GVMPY_SHELL_FUNCTION=1
  \export GVMPY_SHELL_FUNCTION
  _gvmpy_program "$@"
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

_gvmpy_use() {
  case $#,$2 in
  2,-)
    if [ -z "${_gvmpy_previous+set}" ]; then
      _gvmpy_say 'gvmpy: this shell has made no choice yet'
      _gvmpy_say 'hint: gvmpy use VERSION'
      \return 2
    fi
    _gvmpy_choose "$_gvmpy_previous"
    _gvmpy_say "gvmpy: this shell uses ${GVMPY_VERSION:-what the directory or the default says}"
    \return 0
    ;;
  2,--unset)
    _gvmpy_choose ''
    \return 0
    ;;
  esac
  _gvmpy_answer=$(_gvmpy_ask "$@") || {
    set -- "$?"
    \unset _gvmpy_answer
    \return "$1"
  }
  set -- "$_gvmpy_answer"
  \unset _gvmpy_answer
  case $1 in
  system) ;;
  '' | [!0-9]* | *[!0-9a-z.]*)
    _gvmpy_say 'gvmpy: the program did not answer with a version; nothing was changed'
    \return 2
    ;;
  esac
  _gvmpy_choose "$1"
}

_gvmpy_main() {
  if [ "${1-}" != use ] || [ "$#" -lt 2 ]; then
    _gvmpy_program "$@"
    \return
  fi
  for _gvmpy_argument in "$@"; do
    case $_gvmpy_argument in
    --default | -d | --help | -h | --json)
      \unset _gvmpy_argument
      _gvmpy_program "$@"
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
